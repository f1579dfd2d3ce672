import { type Accessor, createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { StreamState } from './protocol.ts'
import type { Follow, SharedStream } from './shared-stream.ts'

/** The state of a stream, as a signal. */
export function createStreamState(stream: SharedStream): Accessor<StreamState> {
  const [state, setState] = createSignal<StreamState>(stream.state)
  onCleanup(stream.onState(setState))
  return state
}

/** Follows for as long as the owner exists: again when the options change, and not while they are `undefined`. */
export function createFollow(stream: SharedStream, options: Accessor<Follow | undefined>): void {
  createEffect(
    on(options, (follow) => {
      if (follow) onCleanup(stream.follow(follow))
    }),
  )
}
