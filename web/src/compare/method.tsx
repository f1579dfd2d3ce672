import type { JSX } from 'solid-js'

/** How the figures are measured, and what they leave out. */
export function Method(props: { channel: string }): JSX.Element {
  return (
    <details class="card compare-method">
      <summary>How this is measured</summary>
      <ul class="compare-text muted">
        <li>
          <strong>Events</strong> are numbered, on <code>{props.channel}</code>. Every lane keeps a ledger of what
          arrives on the wire, before the client leaves duplicates out.
        </li>
        <li>
          <strong>Latency</strong> runs from the publish request to the arrival in this page, on one clock. It is that
          of the steady rate: what is on its way during a burst or a fault is left out, and the verdict has it.
        </li>
        <li>
          <strong>Bytes</strong> are what is received. Polling: as the browser reports it (Resource Timing). SSE: the
          bytes of the body, read over fetch. WebSocket: payload and header of each frame. For headers every response
          counts 300 bytes, as browsers report it. What is sent, such as cookies, is not counted.
        </li>
        <li>
          <strong>Connection used</strong> is the share of the time in which a lane occupied one of the browser's
          connections.
        </li>
        <li>
          <strong>Server CPU</strong> is not shown: the server does not report it, and one process serves all lanes.
        </li>
        <li>
          SSE, WebSocket and long-polling are the browser client of this repository; polling is a loop of this page.
        </li>
      </ul>
    </details>
  )
}
