import type { JSX } from 'solid-js'
import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { formatBytes, formatDuration, formatNumber } from '../ui/format.ts'
import { retentionLimits } from './descriptions.ts'

/** The state of the Postgres server. */
export function PostgresFacts(props: { postgres: ClusterView['postgres'] }): JSX.Element {
  return (
    <section class="card" aria-labelledby="postgres-title">
      <header>
        <h2 id="postgres-title">Postgres</h2>
      </header>
      <dl class="facts">
        <dt>Version</dt>
        <dd>{props.postgres.version}</dd>
        <dt>Uptime</dt>
        <dd>{formatDuration(props.postgres.uptimeMs)}</dd>
        <dt>Connections</dt>
        <dd class="number">
          {props.postgres.connections} of {props.postgres.maxConnections}
        </dd>
        <dt>Database size</dt>
        <dd class="number">{formatBytes(props.postgres.databaseBytes)}</dd>
        <dt>Events in the outbox</dt>
        <dd class="number">{formatNumber(props.postgres.outboxEvents)}</dd>
      </dl>
    </section>
  )
}

/** The extent of the log and the limits of its retention. */
export function LogFacts(props: { cluster: ClusterView }): JSX.Element {
  const limits = () => retentionLimits(props.cluster.settings)
  return (
    <section class="card" aria-labelledby="retention-title">
      <header>
        <h2 id="retention-title">Log and retention</h2>
      </header>
      <dl class="facts">
        <dt>Newest position</dt>
        <dd class="number">{formatNumber(props.cluster.postgres.head)}</dd>
        <dt>Oldest position</dt>
        <dd class="number">{formatNumber(props.cluster.postgres.oldest)}</dd>
        <dt>Size</dt>
        <dd class="number">
          {formatBytes(props.cluster.postgres.logBytes)} in {props.cluster.postgres.partitions} partitions
        </dd>
        <dt>Retention by age</dt>
        <dd>{limits().time}</dd>
        <dt>Retention by number</dt>
        <dd>{limits().count}</dd>
      </dl>
    </section>
  )
}
