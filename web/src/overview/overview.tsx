import { type JSX, lazy, Show, Suspense } from 'solid-js'
import { createCluster } from '../cluster/create-cluster.ts'
import { canRead, isOperator } from '../live/access.ts'
import { formatNumber } from '../ui/format.ts'
import { createActivity } from './create-activity.ts'
import { LatestEvents } from './latest-events.tsx'

const Chart = lazy(() => import('./chart.tsx'))

/** The first page: the activity of the log, and totals of all instances. */
export default function Overview(): JSX.Element {
  const { view, error } = createCluster()
  const { latest, times, rates, latencies } = createActivity()
  const total = (member: 'connections' | 'tasksRunning') =>
    view()?.instances.reduce((sum, { status }) => sum + status[member], 0) ?? 0
  return (
    <>
      <div class="page-title">
        <h1>Overview</h1>
        <p class="muted">
          {canRead('>') ? 'Activity on all instances, live.' : 'Activity on the channels that you may read, live.'}
        </p>
      </div>
      <Show when={error()}>
        <p class="notice" role="alert">
          {error()}
        </p>
      </Show>
      <dl class="figures">
        <Figure name="Events per second" value={formatFigure(rates().at(-1))} />
        <Show when={isOperator()}>
          <Figure name="Open streams" value={formatNumber(total('connections'))} />
          <Figure name="Instances" value={formatNumber(view()?.instances.length ?? 0)} />
          <Figure name="Running tasks" value={formatNumber(total('tasksRunning'))} />
        </Show>
        <Figure name="Latency, ms" value={formatFigure(latencies().at(-1))} />
        <Show when={isOperator()}>
          <Figure name="Newest position" value={formatNumber(view()?.postgres.head ?? 0)} />
        </Show>
      </dl>
      <div class="columns even">
        <ChartCard id="rate-title" title="Events per second">
          <Chart label="Events per second" times={times()} values={rates()} color="--accent" unit="events" />
        </ChartCard>
        <ChartCard id="latency-title" title="Maximum latency per second, ms">
          <Chart label="Latency" times={times()} values={latencies()} color="--second" unit="milliseconds" />
        </ChartCard>
      </div>
      <LatestEvents events={latest()} />
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

function ChartCard(props: { id: string; title: string; children: JSX.Element }): JSX.Element {
  return (
    <section class="card" aria-labelledby={props.id}>
      <header>
        <h2 id={props.id}>{props.title}</h2>
      </header>
      <Suspense fallback={<div class="chart" />}>{props.children}</Suspense>
    </section>
  )
}
