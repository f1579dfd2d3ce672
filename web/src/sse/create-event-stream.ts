import { type Accessor, createSignal, onCleanup } from 'solid-js'
import { type EventStreamOptions, openEventStream, type StreamState } from './event-stream.ts'

/** An event stream for as long as the owner lives; answers its state. */
export function createEventStream(options: Omit<EventStreamOptions, 'onState'>): Accessor<StreamState> {
  const [state, setState] = createSignal<StreamState>({ name: 'connecting' })
  const stream = openEventStream({ ...options, onState: setState })
  onCleanup(() => stream.close())
  return state
}
