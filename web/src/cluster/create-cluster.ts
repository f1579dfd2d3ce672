import { type Accessor, createSignal, onCleanup } from 'solid-js'
import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { isOperator } from '../live/access.ts'
import { api, ask } from '../live/api.ts'

/** Poll interval in milliseconds. */
const INTERVAL = 2000

/** Reads `/api/cluster` every two seconds while the page is visible; nothing for users who are no operators. */
export function createCluster(): {
  /** The last response; `undefined` until there is one. */
  view: Accessor<ClusterView | undefined>
  /** Why the last request failed; empty when it succeeded. */
  error: Accessor<string>
  reload: () => void
} {
  const [view, setView] = createSignal<ClusterView>()
  const [error, setError] = createSignal('')
  const poll = async () => {
    if (document.visibilityState === 'hidden' || !isOperator()) return
    try {
      setView(await ask(api.cluster.get()))
      setError('')
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  void poll()
  const timer = setInterval(() => void poll(), INTERVAL)
  onCleanup(() => clearInterval(timer))
  return { view, error, reload: () => void poll() }
}
