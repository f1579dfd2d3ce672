import { createSignal, For, type JSX, Show } from 'solid-js'
import { ConnectionState } from '../sse/connection-state.tsx'
import { createEventStream } from '../sse/create-event-stream.ts'
import type { Gap, StreamEvent } from '../sse/event-stream.ts'

/** Rows that are kept; older ones are still in the log. */
const MAX_ROWS = 200

/** Everything that is published, as it comes, newest first; it begins with the oldest event kept. */
export function Feed(): JSX.Element {
  const [events, setEvents] = createSignal<StreamEvent[]>([])
  const [total, setTotal] = createSignal(0)
  const [gap, setGap] = createSignal<Gap>()
  const state = createEventStream({
    channels: ['>'],
    lastEventId: 'earliest',
    onEvent: (event) => {
      setTotal((count) => count + 1)
      setEvents((list) => [event, ...list].slice(0, MAX_ROWS))
    },
    onGap: setGap,
  })
  return (
    <section class="card feed" aria-labelledby="feed-title">
      <header>
        <h2 id="feed-title">Events</h2>
        <span class="muted" data-testid="feed-total">
          {total()} received
        </span>
        <ConnectionState state={state()} label="State of the event stream" />
      </header>
      <Show when={gap()}>{(lost) => <GapNotice gap={lost()} />}</Show>
      <Show when={events().length > 0} fallback={<EmptyFeed />}>
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Position</th>
                <th scope="col">Time</th>
                <th scope="col">Channel</th>
                <th scope="col">Type</th>
                <th scope="col">Data</th>
              </tr>
            </thead>
            <tbody>
              <For each={events()}>{(event) => <Row event={event} />}</For>
            </tbody>
          </table>
        </div>
      </Show>
    </section>
  )
}

function Row(props: { event: StreamEvent }): JSX.Element {
  const data = () => JSON.stringify(props.event.data)
  return (
    <tr data-position={props.event.position}>
      <td class="number">{props.event.position}</td>
      <td class="number">
        <time dateTime={props.event.time}>{new Date(props.event.time).toLocaleTimeString([], { hour12: false })}</time>
      </td>
      <td class="code">{props.event.channel}</td>
      <td>
        <span class="tag">{props.event.type}</span>
      </td>
      <td class="code data" title={data()}>
        {data()}
      </td>
    </tr>
  )
}

function EmptyFeed(): JSX.Element {
  return (
    <p class="empty">
      Nothing was published yet. Use the form, or <code>POST /events</code>, or <code>SELECT sse.publish(…)</code>: it
      appears here at once.
    </p>
  )
}

function GapNotice(props: { gap: Gap }): JSX.Element {
  const reason = () =>
    props.gap.reason === 'purged'
      ? 'they were older than what the server keeps'
      : 'the server has another log than before'
  return (
    <p class="notice" role="alert">
      Events after position {props.gap.from} are missing here: {reason()}. The list goes on after {props.gap.to}.
    </p>
  )
}
