import { A } from '@solidjs/router'
import { For, type JSX, Show } from 'solid-js'
import type { StreamEvent } from '../sse/protocol.ts'
import { formatTime } from '../ui/format.ts'

/** The latest events, newest first. */
export function LatestEvents(props: { events: readonly StreamEvent[] }): JSX.Element {
  return (
    <section class="card" aria-labelledby="latest-title">
      <header>
        <h2 id="latest-title">Latest events</h2>
        <A href="/log">Show all events</A>
      </header>
      <Show
        when={props.events.length > 0}
        fallback={
          <p class="empty">
            No events yet. <A href="/tasks">Start a task</A>, or run <code>sse-update demo</code> in a terminal.
          </p>
        }
      >
        <ul class="latest">
          <For each={props.events}>
            {(event) => (
              <li>
                <span class="number muted">{formatTime(event.time)}</span>
                <span class="tag">{event.type}</span>
                <span class="code one-line">{event.channel}</span>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </section>
  )
}
