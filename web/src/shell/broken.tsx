import { createEffect, type JSX } from 'solid-js'
import { stream } from '../live/stream.ts'
import { createStreamState } from '../sse/create-stream.ts'

/** A page's script that does not come: the server is away, or has another version since. */
const MISSING = /dynamically imported|Failed to fetch|module script/i

/** In place of a page that can't be shown; when it is for the server, it is tried again as soon as that is back. */
export function Broken(props: { error: unknown }): JSX.Element {
  const state = createStreamState(stream)
  const isMissing = () => MISSING.test(String(props.error))
  // Not when it just connects: a script that is never to be had would be tried for ever.
  createEffect<boolean>((wasAway) => {
    const { name } = state()
    if (wasAway && name === 'live' && isMissing()) location.reload()
    return wasAway || name === 'waiting' || name === 'offline'
  }, false)
  return (
    <div class="empty" role="alert">
      <p>
        {isMissing()
          ? 'The server does not answer.'
          : `This page broke: ${String((props.error as Error).message ?? props.error)}`}
      </p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  )
}
