import { For, type JSX, Show } from 'solid-js'
import { formatBytes, formatDuration, formatNumber, now } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { createCluster } from './create-cluster.ts'

/** The instances on this Postgres, Postgres itself, and what is kept. */
export default function Cluster(): JSX.Element {
  const { view, error, reload } = createCluster()
  const state = () => (view() ? 'ready' : error() ? 'failed' : 'loading')
  return (
    <>
      <div class="page-title">
        <h1>Cluster</h1>
        <p class="muted">Who serves, whether notifications arrive, how far each has read, and what Postgres says.</p>
      </div>
      <Show when={view() && error()}>
        <p class="notice" role="alert">
          {error()} What you see is as it was.
        </p>
      </Show>
      <States
        state={state()}
        error={error()}
        isEmpty={view()?.instances.length === 0}
        empty="No instance has given a sign of life yet."
        onRetry={reload}
      >
        <section class="card" aria-labelledby="instances-title">
          <header>
            <h2 id="instances-title">Instances</h2>
          </header>
          <div class="table-scroll" tabindex="0" role="region" aria-label="Instances">
            <table>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Version</th>
                  <th scope="col">Up</th>
                  <th scope="col">Streams</th>
                  <th scope="col">Lag</th>
                  <th scope="col">Listening</th>
                  <th scope="col">Outbox relay</th>
                  <th scope="col">Published</th>
                  <th scope="col">Tasks</th>
                  <th scope="col">Memory</th>
                </tr>
              </thead>
              <tbody>
                <For each={view()?.instances}>
                  {(instance) => (
                    <tr>
                      <th scope="row">
                        {instance.name}
                        <Show when={instance.isSelf}>
                          <span class="tag">answers you</span>
                        </Show>
                        <div class="muted code">{instance.url}</div>
                      </th>
                      <td>{instance.version}</td>
                      <td class="number">{formatDuration(now() - Date.parse(instance.startedAt))}</td>
                      <td class="number">{formatNumber(instance.status.connections)}</td>
                      <td class="number">{formatNumber(instance.status.lag)}</td>
                      <td>
                        <span class="tag" data-state={instance.status.isListening ? 'succeeded' : 'failed'}>
                          {instance.status.isDraining ? 'draining' : instance.status.isListening ? 'yes' : 'no'}
                        </span>
                      </td>
                      <td class="number">
                        {instance.status.relaying ? 'active · ' : ''}
                        {formatNumber(instance.status.relayed)} moved
                      </td>
                      <td class="number">{formatNumber(instance.status.published)}</td>
                      <td class="number">{instance.status.tasksRunning}</td>
                      <td class="number">{formatBytes(instance.status.memoryBytes)}</td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
          </div>
        </section>
        <div class="columns even">
          <section class="card" aria-labelledby="postgres-title">
            <header>
              <h2 id="postgres-title">Postgres</h2>
            </header>
            <Show when={view()?.postgres}>
              {(postgres) => (
                <dl class="facts">
                  <dt>Version</dt>
                  <dd>{postgres().version}</dd>
                  <dt>Up</dt>
                  <dd>{formatDuration(postgres().uptimeMs)}</dd>
                  <dt>Connections</dt>
                  <dd class="number">
                    {postgres().connections} of {postgres().maxConnections}
                  </dd>
                  <dt>Database</dt>
                  <dd class="number">{formatBytes(postgres().databaseBytes)}</dd>
                  <dt>Waiting in the outbox</dt>
                  <dd class="number">{formatNumber(postgres().outboxEvents)}</dd>
                </dl>
              )}
            </Show>
          </section>
          <section class="card" aria-labelledby="retention-title">
            <header>
              <h2 id="retention-title">The log, and what is kept</h2>
            </header>
            <Show when={view()}>
              {(cluster) => (
                <dl class="facts">
                  <dt>Newest position</dt>
                  <dd class="number">{formatNumber(cluster().postgres.head)}</dd>
                  <dt>Oldest kept</dt>
                  <dd class="number">{formatNumber(cluster().postgres.oldest)}</dd>
                  <dt>Size</dt>
                  <dd class="number">
                    {formatBytes(cluster().postgres.logBytes)} in {cluster().postgres.partitions} partitions
                  </dd>
                  <dt>Kept for</dt>
                  <dd>{cluster().settings.retentionMs ? formatDuration(cluster().settings.retentionMs) : 'ever'}</dd>
                  <dt>Kept at most</dt>
                  <dd>
                    {cluster().settings.retentionEvents
                      ? `${formatNumber(cluster().settings.retentionEvents)} events`
                      : 'any number'}
                  </dd>
                </dl>
              )}
            </Show>
          </section>
        </div>
      </States>
    </>
  )
}
