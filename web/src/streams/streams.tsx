import { createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { ConnectionState } from '../sse/connection-state.tsx'
import { createEventStream } from '../sse/create-event-stream.ts'

/** Over HTTP/1.1 a browser opens six connections to a host: one is the feed's, one stays free for requests. */
const MAX_STREAMS = 4

/** Opens more streams on channels of choice, and closes them. */
export function Streams(): JSX.Element {
  const [pattern, setPattern] = createSignal('orders.>')
  const [streams, setStreams] = createSignal<{ id: number; pattern: string }[]>([])
  let nextId = 1
  const isFull = () => streams().length >= MAX_STREAMS

  const open = (event: SubmitEvent) => {
    event.preventDefault()
    if (!isFull()) setStreams((list) => [...list, { id: nextId++, pattern: pattern() }])
  }
  const close = (id: number) => setStreams((list) => list.filter((stream) => stream.id !== id))

  return (
    <section class="card" aria-labelledby="streams-title">
      <header>
        <h2 id="streams-title">More streams</h2>
      </header>
      <form class="inline" onSubmit={open}>
        <label>
          Channel or pattern
          <input
            value={pattern()}
            onInput={(event) => setPattern(event.currentTarget.value)}
            required
            spellcheck={false}
          />
        </label>
        <button type="submit" disabled={isFull()}>
          Open a stream
        </button>
        <button type="button" disabled={streams().length === 0} onClick={() => setStreams([])}>
          Close all
        </button>
      </form>
      <Show when={isFull()}>
        <p class="muted">A browser opens six connections to one host over HTTP/1.1; close a stream to open another.</p>
      </Show>
      <ul class="streams">
        <For each={streams()} fallback={<li class="empty">No further streams are open.</li>}>
          {(stream) => <StreamRow pattern={stream.pattern} onClose={() => close(stream.id)} />}
        </For>
      </ul>
    </section>
  )
}

function StreamRow(props: { pattern: string; onClose: () => void }): JSX.Element {
  const [received, setReceived] = createSignal(0)
  const [position, setPosition] = createSignal<number>()
  const [isRefused, setRefused] = createSignal('')
  const state = createEventStream({
    channels: [props.pattern],
    onEvent: (event) => {
      setReceived((count) => count + 1)
      setPosition(event.position)
    },
  })
  // An EventSource tells no reason for a refusal; an ordinary request for the same does.
  const checking = new AbortController()
  onCleanup(() => checking.abort())
  void refusalOf(props.pattern, checking.signal).then(setRefused)
  return (
    <li>
      <code>{props.pattern}</code>
      <ConnectionState state={state()} label={`State of the stream on ${props.pattern}`} />
      <span class="number">{received()} received</span>
      <span class="number muted">{position() === undefined ? '' : `at ${position()}`}</span>
      <button type="button" aria-label={`Close the stream on ${props.pattern}`} onClick={props.onClose}>
        Close
      </button>
      <Show when={isRefused()}>
        <p class="error">{isRefused()}</p>
      </Show>
    </li>
  )
}

async function refusalOf(pattern: string, signal: AbortSignal): Promise<string> {
  try {
    const query = new URLSearchParams({ channel: pattern, limit: '1' })
    const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json' }, signal })
    if (response.status < 400 || response.status >= 500) return ''
    return ((await response.json()) as { detail: string }).detail
  } catch {
    return ''
  }
}
