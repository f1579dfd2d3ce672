import { A, Route, Router } from '@solidjs/router'
import { type JSX, lazy } from 'solid-js'
import { Shell } from './shell/shell.tsx'

// The script of a page is loaded when the page is first opened.
const Overview = lazy(() => import('./overview/overview.tsx'))
const Tasks = lazy(() => import('./tasks/tasks.tsx'))
const Orders = lazy(() => import('./orders/orders.tsx'))
const Notifications = lazy(() => import('./notifications/notifications.tsx'))
const Lab = lazy(() => import('./lab/lab.tsx'))
const Compare = lazy(() => import('./compare/compare.tsx'))
const Log = lazy(() => import('./log/log.tsx'))
const Cluster = lazy(() => import('./cluster/cluster.tsx'))

/** The dashboard: one route for each page. */
export function App(): JSX.Element {
  return (
    <Router root={Shell}>
      <Route path="/" component={Overview} />
      <Route path="/tasks" component={Tasks} />
      <Route path="/orders" component={Orders} />
      <Route path="/notifications" component={Notifications} />
      <Route path="/lab" component={Lab} />
      <Route path="/compare" component={Compare} />
      <Route path="/log" component={Log} />
      <Route path="/cluster" component={Cluster} />
      <Route path="*" component={NotFound} />
    </Router>
  )
}

function NotFound(): JSX.Element {
  return (
    <p class="empty">
      This page does not exist. <A href="/">Go to the overview</A>
    </p>
  )
}
