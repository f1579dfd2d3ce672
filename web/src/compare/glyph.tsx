import { For, type JSX } from 'solid-js'
import type { KindId } from './kinds.ts'

interface Drawing {
  /** Stretches of time for which a connection is open, as `[from, to]` of 120. */
  open: readonly (readonly [number, number])[]
  /** When events arrive. */
  events: readonly number[]
  /** When the browser sends something. */
  sent: readonly number[]
}

const DRAWINGS: Record<KindId, Drawing> = {
  sse: { open: [[2, 118]], events: [18, 34, 42, 66, 84, 92, 110], sent: [2] },
  websocket: { open: [[2, 118]], events: [18, 34, 42, 66, 84, 92, 110], sent: [2, 52, 76] },
  'long-poll': {
    open: [
      [2, 17],
      [20, 33],
      [36, 41],
      [44, 65],
      [68, 83],
      [86, 91],
      [94, 109],
      [112, 118],
    ],
    events: [17, 33, 41, 65, 83, 91, 109],
    sent: [2, 20, 36, 44, 68, 86, 94, 112],
  },
  poll: {
    open: [
      [2, 8],
      [44, 50],
      [86, 92],
    ],
    events: [46, 49, 52, 88, 91],
    sent: [2, 44, 86],
  },
}

/** How a transport works, drawn along a line of time: requests below it, events above it. */
export function Glyph(props: { kind: KindId }): JSX.Element {
  const drawing = () => DRAWINGS[props.kind]
  return (
    <svg class="compare-glyph" viewBox="0 0 120 26" aria-hidden="true">
      <path class="time" d="M0 15h120" />
      <For each={drawing().open}>{([from, to]) => <path class="open" d={`M${from} 15H${to}`} />}</For>
      <For each={drawing().sent}>{(x) => <path class="sent" d={`M${x} 19v6`} />}</For>
      <For each={drawing().events}>{(x) => <rect x={x - 2} y="3" width="4" height="4" rx="1" />}</For>
    </svg>
  )
}
