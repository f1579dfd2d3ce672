import { For, type JSX, Show } from 'solid-js'
import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { formatBytes, formatDuration, formatNumber, now } from '../ui/format.ts'
import { listeningState, relayState, transportCounts } from './descriptions.ts'

type Instance = ClusterView['instances'][number]

const COLUMNS = [
  'Name',
  'Version',
  'Uptime',
  'Streams',
  'Lag',
  'Listening',
  'Outbox relay',
  'Published',
  'Tasks',
  'Memory',
]

/** The instances that share this Postgres. */
export function InstanceTable(props: { instances: readonly Instance[] }): JSX.Element {
  return (
    <section class="card" aria-labelledby="instances-title">
      <header>
        <h2 id="instances-title">Instances</h2>
      </header>
      <div class="table-scroll" tabindex="0" role="region" aria-label="Instances">
        <table>
          <thead>
            <tr>
              <For each={COLUMNS}>{(name) => <th scope="col">{name}</th>}</For>
            </tr>
          </thead>
          <tbody>
            <For each={props.instances}>{(instance) => <InstanceRow instance={instance} />}</For>
          </tbody>
        </table>
      </div>
    </section>
  )
}

function InstanceRow(props: { instance: Instance }): JSX.Element {
  const status = () => props.instance.status
  return (
    <tr>
      <th scope="row">
        {props.instance.name}
        <Show when={props.instance.isSelf}>
          <span class="tag">serves this page</span>
        </Show>
        <div class="muted code">{props.instance.url}</div>
      </th>
      <td>{props.instance.version}</td>
      <td class="number">{formatDuration(now() - Date.parse(props.instance.startedAt))}</td>
      <td class="number">
        {formatNumber(status().connections)}
        <div class="muted">{transportCounts(status())}</div>
      </td>
      <td class="number">{formatNumber(status().lag)}</td>
      <td>
        <span class="tag" data-state={status().isListening ? 'succeeded' : 'failed'}>
          {listeningState(status())}
        </span>
      </td>
      <td class="number">{relayState(status())}</td>
      <td class="number">{formatNumber(status().published)}</td>
      <td class="number">{status().tasksRunning}</td>
      <td class="number">{formatBytes(status().memoryBytes)}</td>
    </tr>
  )
}
