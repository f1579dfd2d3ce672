import { A } from '@solidjs/router'
import { createEffect, createMemo, createSignal, For, type JSX, lazy, on, onCleanup, Show, Suspense } from 'solid-js'
import { createCluster } from '../cluster/create-cluster.ts'
import { showGap } from '../live/notice.ts'
import { stream } from '../live/stream.ts'
import { lookBack } from '../log/look-back.ts'
import { createFollow, createStreamState } from '../sse/create-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { formatNumber, formatTime } from '../ui/format.ts'

const Chart = lazy(() => import('./chart.tsx'))

/** Points of a chart, one a second. */
const SECONDS = 90
const LATEST = 12
const ALL = { channel: '>', type: '', since: '', until: '' }

/** What is live now. */
export default function Overview(): JSX.Element {
  const { view, error } = createCluster()
  const [latest, setLatest] = createSignal<readonly StreamEvent[]>([])
  const [times, setTimes] = createSignal<readonly number[]>([])
  const [rates, setRates] = createSignal<readonly (number | null)[]>([])
  const [latencies, setLatencies] = createSignal<readonly (number | null)[]>([])
  let count = 0
  let lag = 0
  let arrived: StreamEvent[] = []
  // While nobody looks, or there is no connection, it does not know how much happens; what it reads later did not happen then.
  const state = createStreamState(stream)
  const [isHidden, setIsHidden] = createSignal(document.hidden)
  const onVisibility = () => setIsHidden(document.hidden)
  document.addEventListener('visibilitychange', onVisibility)
  onCleanup(() => document.removeEventListener('visibilitychange', onVisibility))
  const isWatching = createMemo(() => state().name === 'live' && !isHidden())
  let watchingSince = Number.POSITIVE_INFINITY
  createEffect(
    on(isWatching, (isNow) => {
      watchingSince = isNow ? Date.now() : Number.POSITIVE_INFINITY
    }),
  )
  const [after, setAfter] = createSignal<number>()
  lookBack(ALL, undefined, LATEST).then(
    ({ events, head }) => {
      setLatest(events)
      setAfter(head)
    },
    () => setAfter(-1),
  )
  createFollow(stream, () =>
    after() === undefined
      ? undefined
      : {
          channels: ['>'],
          // Where the log can not be read: what comes from now on.
          after: after() === -1 ? undefined : after(),
          pauseWhenHidden: true,
          onGap: showGap,
          onEvent: (event) => {
            const time = Date.parse(event.time)
            if (time >= watchingSince) {
              count++
              // By the clocks of two machines, where they are two.
              lag = Math.max(lag, Date.now() - time)
            }
            arrived.push(event)
            if (arrived.length > LATEST) arrived.shift()
          },
        },
  )
  const tick = () => {
    const keep = <T,>(before: readonly T[], value: T) => [...before, value].slice(-SECONDS)
    // The first second is not a whole one.
    const isKnown = Date.now() - watchingSince >= 1000
    setTimes((before) => keep(before, Math.floor(Date.now() / 1000)))
    setRates((before) => keep(before, isKnown ? count : null))
    setLatencies((before) => keep(before, isKnown ? Math.max(0, lag) : null))
    if (arrived.length > 0) {
      const newest = arrived.reverse()
      arrived = []
      setLatest((before) => [...newest, ...before].slice(0, LATEST))
    }
    count = 0
    lag = 0
  }
  const timer = setInterval(tick, 1000)
  onCleanup(() => clearInterval(timer))
  const sum = (member: 'connections' | 'tasksRunning') =>
    view()?.instances.reduce((total, { status }) => total + status[member], 0) ?? 0
  return (
    <>
      <div class="page-title">
        <h1>Overview</h1>
        <p class="muted">What is live now, on all instances.</p>
      </div>
      <Show when={error()}>
        <p class="notice" role="alert">
          {error()}
        </p>
      </Show>
      <dl class="figures">
        <Figure name="Events a second" value={formatFigure(rates().at(-1))} />
        <Figure name="Open streams" value={formatNumber(sum('connections'))} />
        <Figure name="Instances" value={formatNumber(view()?.instances.length ?? 0)} />
        <Figure name="Tasks running" value={formatNumber(sum('tasksRunning'))} />
        <Figure name="Latency, ms" value={formatFigure(latencies().at(-1))} />
        <Figure name="Newest position" value={formatNumber(view()?.postgres.head ?? 0)} />
      </dl>
      <div class="columns even">
        <section class="card" aria-labelledby="rate-title">
          <header>
            <h2 id="rate-title">Events a second</h2>
          </header>
          <Suspense fallback={<div class="chart" />}>
            <Chart label="Events a second" times={times()} values={rates()} color="--accent" unit="events" />
          </Suspense>
        </section>
        <section class="card" aria-labelledby="latency-title">
          <header>
            <h2 id="latency-title">Slowest event of each second, ms</h2>
          </header>
          <Suspense fallback={<div class="chart" />}>
            <Chart label="Latency" times={times()} values={latencies()} color="--second" unit="milliseconds" />
          </Suspense>
        </section>
      </div>
      <section class="card" aria-labelledby="latest-title">
        <header>
          <h2 id="latest-title">Latest events</h2>
          <A href="/log">All of them</A>
        </header>
        <Show
          when={latest().length > 0}
          fallback={
            <p class="empty">
              Quiet so far. <A href="/tasks">Start a task</A>, or run <code>sse-update demo</code> in a terminal.
            </p>
          }
        >
          <ul class="latest">
            <For each={latest()}>
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
    </>
  )
}

const formatFigure = (value: number | null | undefined) => (typeof value === 'number' ? formatNumber(value) : '–')

function Figure(props: { name: string; value: string }): JSX.Element {
  return (
    <div class="card figure">
      <dt>{props.name}</dt>
      <dd class="number">{props.value}</dd>
    </div>
  )
}
