import { createEffect, type JSX } from 'solid-js'
import { stream } from '../live/stream.ts'
import { createStreamState } from '../sse/create-stream.ts'
import { UNREACHABLE } from '../ui/messages.ts'

/** Messages of browsers for a page whose script cannot be loaded: the server is unreachable, or has a newer version. */
const MISSING = /dynamically imported|Failed to fetch|module script/i

/** Shown in place of a page that failed. A page whose script is missing is reloaded when the stream is live again. */
export function Broken(props: { error: unknown }): JSX.Element {
  const state = createStreamState(stream)
  const isMissing = () => MISSING.test(String(props.error))
  // Only after an interruption. A script that does not exist would otherwise be requested in an endless loop.
  createEffect<boolean>((wasInterrupted) => {
    const { name } = state()
    if (wasInterrupted && name === 'live' && isMissing()) location.reload()
    return wasInterrupted || name === 'waiting' || name === 'offline'
  }, false)
  return (
    <div class="empty" role="alert">
      <p>
        {isMissing()
          ? UNREACHABLE
          : `This page failed: ${String((props.error as Error).message ?? props.error)}. Reload it to try again.`}
      </p>
      <button type="button" onClick={() => location.reload()}>
        Reload page
      </button>
    </div>
  )
}
