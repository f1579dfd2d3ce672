import { createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { readablePatterns } from '../live/access.ts'
import { createBuffer } from '../live/create-buffer.ts'
import { openEventStream } from '../sse/event-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { formatNumber } from '../ui/format.ts'

/** Events that are listed, newest first. */
const LISTED = 20

/** Opens a stream of its own after a position, as a client would see it that reconnects there. */
export function Replay(props: { after: number }): JSX.Element {
  const [state, setState] = createSignal<string>()
  const [count, setCount] = createSignal(0)
  const [newest, setNewest] = createSignal<readonly StreamEvent[]>([])
  let close = () => {}
  onCleanup(() => close())
  const buffer = createBuffer<StreamEvent>((events) => {
    setCount((before) => before + events.length)
    setNewest((before) => [...events.slice(-LISTED).reverse(), ...before].slice(0, LISTED))
  })
  const start = () => {
    setCount(0)
    setNewest([])
    const stream = openEventStream({
      channels: readablePatterns(),
      after: props.after,
      onState: ({ name }) => setState(name === 'closed' ? undefined : name),
      onEvent: buffer.add,
    })
    close = () => stream.close()
  }
  return (
    <div class="replay">
      <button type="button" onClick={() => (state() ? close() : start())}>
        {state() ? 'Stop replay' : 'Replay from here in a new stream'}
      </button>
      <p>
        <span role="status">{state()}</span>
        <Show when={state() || count() > 0}>
          {' '}
          {formatNumber(count())} {count() === 1 ? 'event' : 'events'} replayed
        </Show>
      </p>
      <ol class="code muted">
        <For each={newest()}>
          {({ position, channel, type }) => (
            <li>
              {position} {channel} {type}
            </li>
          )}
        </For>
      </ol>
    </div>
  )
}
