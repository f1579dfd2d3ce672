import { type Accessor, createSignal, onCleanup } from 'solid-js'
import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { api, ask } from '../live/api.ts'

const INTERVAL = 2000

/** The cluster, looked at every two seconds while somebody sees the page. */
export function createCluster(): {
  view: Accessor<ClusterView | undefined>
  error: Accessor<string>
  reload: () => void
} {
  const [view, setView] = createSignal<ClusterView>()
  const [error, setError] = createSignal('')
  const look = async () => {
    if (document.visibilityState === 'hidden') return
    try {
      setView(await ask(api.cluster.get()))
      setError('')
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  void look()
  const timer = setInterval(() => void look(), INTERVAL)
  onCleanup(() => clearInterval(timer))
  return { view, error, reload: () => void look() }
}
