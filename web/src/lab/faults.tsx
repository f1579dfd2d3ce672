import { type JSX, Show } from 'solid-js'
import type { Lab } from './create-lab.ts'

/** The buttons that break things. @param props.isAllowed whether the server causes faults; `undefined` while unknown */
export function Faults(props: { lab: Lab; isAllowed: boolean | undefined }): JSX.Element {
  return (
    <section class="card padded" aria-label="Faults">
      <h2>Faults</h2>
      <div class="faults">
        <button type="button" onClick={() => props.lab.drop()}>
          Drop all
        </button>
        <button type="button" onClick={() => props.lab.drop(1 / 3)}>
          Drop a third
        </button>
        <button
          type="button"
          aria-pressed={props.lab.isStalled()}
          onClick={() => props.lab.setStalled(!props.lab.isStalled())}
        >
          Stop reading
        </button>
        <button
          type="button"
          aria-pressed={props.lab.isOffline()}
          onClick={() => props.lab.setOffline(!props.lab.isOffline())}
        >
          Go offline
        </button>
        <button type="button" onClick={() => props.lab.reconnect()}>
          Reconnect all at once
        </button>
        <button type="button" disabled={!props.isAllowed} onClick={() => void props.lab.cause('kill-listeners')}>
          Kill the listener's connection
        </button>
        <button type="button" disabled={!props.isAllowed} onClick={() => void props.lab.cause('disconnect-streams')}>
          End all streams
        </button>
      </div>
      <Show when={props.isAllowed === false}>
        <p class="muted small-text">The last two require LAB=on at the server.</p>
      </Show>
    </section>
  )
}
