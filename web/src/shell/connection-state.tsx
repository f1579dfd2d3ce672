import { createMemo, createSignal, type JSX, onCleanup, Show } from 'solid-js'
import { stream } from '../live/stream.ts'
import { createStreamState } from '../sse/create-stream.ts'

const WORDS = {
  connecting: 'Connecting …',
  'signing in': 'Signing in …',
  'catching up': 'Catching up …',
  live: 'Live',
  waiting: 'Disconnected',
  offline: 'Offline',
  refused: 'Refused',
  over: 'Ended',
  closed: 'Closed',
} as const

/** The state of this browser's stream, as a dot and in words, with the reason when the server has refused it. */
export function ConnectionState(): JSX.Element {
  const state = createStreamState(stream)
  const [time, setTime] = createSignal(Date.now())
  const timer = setInterval(() => setTime(Date.now()), 250)
  onCleanup(() => clearInterval(timer))
  const more = createMemo(() => {
    const now = state()
    if (now.name === 'waiting') return ` · retry in ${Math.max(0, Math.ceil((now.at - time()) / 1000))} s`
    if (now.name === 'live') return now.transport === 'poll' ? ' · by long-polling' : ` · ${now.instance}`
    return ''
  })
  const reason = () => {
    const now = state()
    return now.name === 'refused' ? now.reason : undefined
  }
  return (
    <div class="state" data-state={state().name}>
      <span class="state-dot" aria-hidden="true" />
      <span role="status" aria-label="State of the event stream">
        {WORDS[state().name]}
      </span>
      {/* Changes every second: hidden from screen readers, which would announce each change. */}
      <span class="muted state-more" aria-hidden="true">
        {more()}
      </span>
      <Show when={reason()}>
        {(text) => (
          <span class="error" role="alert">
            {text()}
          </span>
        )}
      </Show>
    </div>
  )
}
