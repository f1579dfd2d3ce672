import { Route, Router } from '@solidjs/router'
import { type JSX, lazy } from 'solid-js'
import { Shell } from './shell/shell.tsx'

// Each page is loaded when it is first looked at.
const Overview = lazy(() => import('./overview/overview.tsx'))
const Tasks = lazy(() => import('./tasks/tasks.tsx'))
const Orders = lazy(() => import('./orders/orders.tsx'))
const Notifications = lazy(() => import('./notifications/notifications.tsx'))
const Lab = lazy(() => import('./lab/lab.tsx'))
const Log = lazy(() => import('./log/log.tsx'))
const Cluster = lazy(() => import('./cluster/cluster.tsx'))

export function App(): JSX.Element {
  return (
    <Router root={Shell}>
      <Route path="/" component={Overview} />
      <Route path="/tasks" component={Tasks} />
      <Route path="/orders" component={Orders} />
      <Route path="/notifications" component={Notifications} />
      <Route path="/lab" component={Lab} />
      <Route path="/log" component={Log} />
      <Route path="/cluster" component={Cluster} />
      <Route path="*" component={() => <p class="empty">There is no such page.</p>} />
    </Router>
  )
}
