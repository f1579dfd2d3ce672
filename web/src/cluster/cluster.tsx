import { type JSX, Show } from 'solid-js'
import { ForOperators } from '../shell/restricted.tsx'
import { States } from '../ui/states.tsx'
import { LogFacts, PostgresFacts } from './cluster-facts.tsx'
import { createCluster } from './create-cluster.ts'
import { InstanceTable } from './instance-table.tsx'

/** The page of the cluster: the instances, their Postgres, and the log. */
export default function ClusterPage(): JSX.Element {
  return (
    <ForOperators title="Cluster">
      <Cluster />
    </ForOperators>
  )
}

function Cluster(): JSX.Element {
  const { view, error, reload } = createCluster()
  const state = () => (view() ? 'ready' : error() ? 'failed' : 'loading')
  return (
    <>
      <div class="page-title">
        <h1>Cluster</h1>
        <p class="muted">The instances that share this Postgres, their lag, and the size of the log.</p>
      </div>
      <Show when={view() && error()}>
        <p class="notice" role="alert">
          {error()} The figures below are out of date.
        </p>
      </Show>
      <States
        state={state()}
        error={error()}
        isEmpty={view()?.instances.length === 0}
        empty="No instance has registered yet. An instance appears a few seconds after its start."
        onRetry={reload}
      >
        <InstanceTable instances={view()?.instances ?? []} />
        <div class="columns even">
          <Show when={view()}>
            {(cluster) => (
              <>
                <PostgresFacts postgres={cluster().postgres} />
                <LogFacts cluster={cluster()} />
              </>
            )}
          </Show>
        </div>
      </States>
    </>
  )
}
