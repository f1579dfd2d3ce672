import { createResource, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js'
import { ConnectionState } from '../sse/connection-state.tsx'
import { createEventStream } from '../sse/create-event-stream.ts'
import type { Gap, StreamEvent, StreamState } from '../sse/event-stream.ts'

/** Rows that are kept; older ones are still in the log. */
const MAX_ROWS = 200

/** Everything that is published, as it comes, newest first; it begins with the newest that the log holds. */
export function Feed(): JSX.Element {
  const [cursor, { refetch }] = createResource(recentCursor)
  return (
    <Switch fallback={<FeedCard state={{ name: 'connecting' }} total={0} />}>
      <Match when={cursor.error}>
        <section class="card feed">
          <p class="empty">
            The server does not answer.{' '}
            <button type="button" onClick={() => void refetch()}>
              Try again
            </button>
          </p>
        </section>
      </Match>
      <Match when={cursor()}>{(start) => <LiveFeed after={start()} />}</Match>
    </Switch>
  )
}

/** The cursor from which the newest events fill the list. */
async function recentCursor(): Promise<string> {
  const response = await fetch('/events?limit=1', { headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const { head, oldest } = (await response.json()) as { head: number; oldest: number }
  return String(Math.max(oldest - 1, head - MAX_ROWS))
}

function LiveFeed(props: { after: string }): JSX.Element {
  const [events, setEvents] = createSignal<StreamEvent[]>([])
  const [total, setTotal] = createSignal(0)
  const [gap, setGap] = createSignal<Gap>()
  let arrived: StreamEvent[] = []
  // Many events a second become one change of the page a frame.
  const show = () => {
    const newest = arrived.reverse()
    arrived = []
    setTotal((count) => count + newest.length)
    setEvents((list) => [...newest, ...list].slice(0, MAX_ROWS))
  }
  const state = createEventStream({
    channels: ['>'],
    lastEventId: props.after,
    onEvent: (event) => {
      if (arrived.push(event) === 1) requestAnimationFrame(show)
    },
    onGap: setGap,
  })
  return <FeedCard state={state()} total={total()} events={events()} gap={gap()} />
}

interface FeedCardProps {
  state: StreamState
  total: number
  events?: StreamEvent[]
  gap?: Gap | undefined
}

function FeedCard(props: FeedCardProps): JSX.Element {
  return (
    <section class="card feed" aria-labelledby="feed-title">
      <header>
        <h2 id="feed-title">Events</h2>
        <span class="muted" data-testid="feed-total">
          {props.total} received
        </span>
        <ConnectionState state={props.state} label="State of the event stream" />
      </header>
      <Show when={props.gap}>{(lost) => <GapNotice gap={lost()} />}</Show>
      <Show when={props.events?.length} fallback={<EmptyFeed isLive={props.state.name === 'live'} />}>
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
              <For each={props.events}>{(event) => <Row event={event} />}</For>
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

function EmptyFeed(props: { isLive: boolean }): JSX.Element {
  return (
    <p class="empty">
      <Show when={props.isLive} fallback="Waiting for the event stream …">
        Nothing was published yet. Use the form, or <code>POST /events</code>, or <code>SELECT sse.publish(…)</code>: it
        appears here at once.
      </Show>
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
