import { createMemo, createSignal, type JSX, onCleanup } from 'solid-js'
import type { StreamState } from './event-stream.ts'

const WORDS = {
  connecting: 'Connecting …',
  live: 'Live',
  waiting: 'Out of reach',
  closed: 'Closed',
} as const

/** The state of a stream, as a dot and in words. */
export function ConnectionState(props: { state: StreamState; label?: string }): JSX.Element {
  const [now, setNow] = createSignal(Date.now())
  const timer = setInterval(() => setNow(Date.now()), 250)
  onCleanup(() => clearInterval(timer))
  const countdown = createMemo(() => {
    const { state } = props
    return state.name === 'waiting' ? `, trying again in ${Math.max(0, Math.ceil((state.at - now()) / 1000))} s` : ''
  })
  return (
    <span class="state" data-state={props.state.name} role="status" aria-label={props.label}>
      <span class="state-dot" aria-hidden="true" />
      <span>
        {WORDS[props.state.name]}
        {/* Counts every second; read aloud, it would chatter. */}
        <span aria-hidden="true">{countdown()}</span>
      </span>
    </span>
  )
}
