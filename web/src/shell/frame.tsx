import { A, useLocation } from '@solidjs/router'
import { createEffect, createSignal, ErrorBoundary, For, type JSX, Show, Suspense } from 'solid-js'
import { dismissNotice, notice } from '../live/notice.ts'
import { createInbox, InboxContext } from '../notifications/inbox.ts'
import { Broken } from './broken.tsx'
import { ConnectionState } from './connection-state.tsx'
import { ExpiryWarning } from './expiry-warning.tsx'
import { Identity } from './identity.tsx'
import { Toasts } from './toasts.tsx'

const PAGES = [
  { path: '/', name: 'Overview' },
  { path: '/tasks', name: 'Tasks' },
  { path: '/orders', name: 'Orders' },
  { path: '/notifications', name: 'Notifications' },
  { path: '/lab', name: 'Connection lab' },
  { path: '/compare', name: 'Compare' },
  { path: '/log', name: 'Event log' },
  { path: '/cluster', name: 'Cluster' },
]

/** The frame of every page: navigation, the user, the state of the stream, notices and toasts. */
export function Frame(props: { children: JSX.Element }): JSX.Element {
  const [isIdentityOpen, setIsIdentityOpen] = createSignal(false)
  const inbox = createInbox()
  const route = useLocation()
  const page = () => PAGES.find(({ path }) => path === route.pathname)?.name ?? 'sse-update'
  createEffect(() => {
    const unread = inbox.unread()
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${page()} · sse-update`
  })
  return (
    <InboxContext.Provider value={inbox}>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <A href="/" class="brand" aria-label="sse-update, overview">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="4" cy="12" r="2" />
            <path d="M4 7a5 5 0 0 1 5 5M4 2a10 10 0 0 1 10 10" />
          </svg>
          <span>sse-update</span>
        </A>
        <ConnectionState />
        <Identity isOpen={isIdentityOpen()} onOpenChange={setIsIdentityOpen} />
      </header>
      <nav class="pages" aria-label="Pages">
        <ul>
          <For each={PAGES}>
            {({ path, name }) => (
              <li>
                <A href={path} end={path === '/'}>
                  {name}
                  <Show when={path === '/notifications' && inbox.unread() > 0}>
                    <span class="count">
                      {inbox.unread()}
                      <span class="visually-hidden"> unread</span>
                    </span>
                  </Show>
                </A>
              </li>
            )}
          </For>
        </ul>
      </nav>
      <main id="content" tabindex="-1">
        <ExpiryWarning onRenew={() => setIsIdentityOpen(true)} />
        <Show when={notice()}>
          <p class="notice" role="alert">
            {notice()}{' '}
            <button type="button" class="ghost" onClick={dismissNotice}>
              Dismiss
            </button>
          </p>
        </Show>
        <ErrorBoundary fallback={(error) => <Broken error={error} />}>
          <Suspense fallback={<div class="skeleton" role="status" aria-label="Loading" />}>{props.children}</Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
    </InboxContext.Provider>
  )
}
