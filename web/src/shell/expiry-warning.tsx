import { createMemo, type JSX, Show } from 'solid-js'
import { access } from '../live/session.ts'
import { formatDuration } from '../ui/format.ts'
import { remaining } from './grant.tsx'

/** Milliseconds before its end from which on the user is warned. */
const WARNING = 120_000

/** Shown above every page shortly before the session ends. */
export function ExpiryWarning(props: { onRenew: () => void }): JSX.Element {
  const session = createMemo(() => {
    const now = access()
    return now.name === 'signed in' ? now.session : undefined
  })
  const isDue = createMemo(() => {
    const current = session()
    return current !== undefined && remaining(current) < WARNING
  })
  return (
    <Show when={isDue() && session()}>
      {(current) => (
        <div class="notice expiry">
          {/* Announced once; the countdown changes every second. */}
          <span role="alert">Your session ends soon.</span>{' '}
          <span class="number" aria-hidden="true">
            {formatDuration(remaining(current()))} left.
          </span>{' '}
          <button type="button" class="ghost" onClick={() => props.onRenew()}>
            Renew
          </button>
        </div>
      )}
    </Show>
  )
}
