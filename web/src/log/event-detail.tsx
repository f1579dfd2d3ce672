import { createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { createBuffer } from '../live/create-buffer.ts'
import { openEventStream } from '../sse/event-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { Dialog } from '../ui/dialog.tsx'
import { formatNumber } from '../ui/format.ts'

/** Types that are shown of a replay. */
const SHOWN = 20

/** One event with all its data, and a way to play everything after it again. */
export function EventDetail(props: { event: StreamEvent | undefined; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={props.event?.type ?? ''} isOpen={props.event !== undefined} onClose={props.onClose}>
      <Show when={props.event} keyed>
        {(event) => (
          <>
            <dl class="facts">
              <dt>Position</dt>
              <dd class="number">{event.position}</dd>
              <dt>Channel</dt>
              <dd class="code">{event.channel}</dd>
              <dt>Time</dt>
              <dd>{event.time}</dd>
            </dl>
            <pre class="code data">{JSON.stringify(event.data, null, 2)}</pre>
            <Replay after={event.position - 1} />
          </>
        )}
      </Show>
    </Dialog>
  )
}

/** A stream of its own, from here on: as a client would see it that was away since then. */
function Replay(props: { after: number }): JSX.Element {
  const [state, setState] = createSignal<string>()
  const [count, setCount] = createSignal(0)
  const [newest, setNewest] = createSignal<readonly StreamEvent[]>([])
  let close = () => {}
  onCleanup(() => close())
  const buffer = createBuffer<StreamEvent>((events) => {
    setCount((before) => before + events.length)
    setNewest((before) => [...events.slice(-SHOWN).reverse(), ...before].slice(0, SHOWN))
  })
  const start = () => {
    setCount(0)
    setNewest([])
    const stream = openEventStream({
      channels: ['>'],
      after: props.after,
      onState: ({ name }) => setState(name === 'closed' ? undefined : name),
      onEvent: buffer.add,
    })
    close = () => stream.close()
  }
  return (
    <div class="replay">
      <button type="button" onClick={() => (state() ? close() : start())}>
        {state() ? 'Stop the replay' : 'Replay from here in a new stream'}
      </button>
      <p>
        <span role="status">{state()}</span>
        <Show when={state() || count() > 0}>
          {' '}
          {formatNumber(count())} {count() === 1 ? 'event' : 'events'} again
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
