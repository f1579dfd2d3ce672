import { For, type JSX, Show } from 'solid-js'
import type { Session } from '../live/session.ts'
import { formatDuration, now } from '../ui/format.ts'

/** What a session is: who, in which role, for which channels, and until when. */
export function GrantFacts(props: { session: Session }): JSX.Element {
  return (
    <dl class="facts grant">
      <dt>Subject</dt>
      <dd>{props.session.subject}</dd>
      <dt>Role</dt>
      <dd>{props.session.role}</dd>
      <dt>May read</dt>
      <dd>
        <Patterns patterns={props.session.subscribe} />
      </dd>
      <dt>May publish to</dt>
      <dd>
        <Patterns patterns={props.session.publish} />
      </dd>
      <dt>Session ends</dt>
      <dd class="number" data-testid="session-end">
        {timeLeft(props.session)}
      </dd>
    </dl>
  )
}

/** Milliseconds until the session ends. */
export const remaining = ({ expiresAt }: Session): number => Math.max(0, expiresAt - now())

const timeLeft = (session: Session) =>
  session.expiresAt === Number.POSITIVE_INFINITY ? 'never' : `in ${formatDuration(remaining(session))}`

function Patterns(props: { patterns: readonly string[] }): JSX.Element {
  return (
    <Show when={props.patterns.length > 0} fallback="nothing">
      <ul class="patterns">
        <For each={props.patterns}>
          {(pattern) => (
            <li>
              <code>{pattern}</code>
              {pattern === '>' ? ' (all channels)' : ''}
            </li>
          )}
        </For>
      </ul>
    </Show>
  )
}
