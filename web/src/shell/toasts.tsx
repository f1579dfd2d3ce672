import { A, useLocation } from '@solidjs/router'
import { createMemo, type JSX, Show } from 'solid-js'
import type { Notification } from '../../../server/shop/notifications/schema.ts'
import { user } from '../live/identity.ts'
import { createToasts } from '../notifications/create-toasts.ts'
import { useInbox } from '../notifications/inbox.ts'
import { createHold } from '../ui/create-hold.ts'

/** The newest toast, and the number of others. */
export function Toasts(): JSX.Element {
  const inbox = useInbox()
  const { toasts, dismissAll } = createToasts(user)
  const route = useLocation()
  const { isHeld, onPointerMove, onPointerLeave } = createHold()
  const newest = createMemo<Notification | undefined>((before) =>
    before && isHeld() && toasts().includes(before) ? before : toasts().at(-1),
  )
  return (
    <section
      class="toasts"
      aria-label="New notifications"
      aria-live="polite"
      onPointerMove={onPointerMove}
      onPointerLeave={onPointerLeave}
    >
      {/* The notifications page shows them in the inbox. */}
      <Show when={route.pathname !== '/notifications' && newest()} keyed>
        {(notification) => (
          <article class="toast" data-level={notification.level}>
            <div>
              <strong>{notification.title}</strong>
              <Show when={notification.body}>
                <p>{notification.body}</p>
              </Show>
              <p class="muted">
                from {notification.sender}
                <Show when={toasts().length > 1}>
                  {' '}
                  · <A href="/notifications">{toasts().length - 1} more</A>
                </Show>
              </p>
            </div>
            <div class="row">
              <Show when={notification.link}>
                {(link) => (
                  <a class="button" href={link()}>
                    Open link
                  </a>
                )}
              </Show>
              <button type="button" class="ghost" onClick={() => void inbox.read(notification.id)}>
                Mark as read
              </button>
              <button type="button" class="ghost" aria-label="Dismiss all" onClick={dismissAll}>
                ✕
              </button>
            </div>
          </article>
        )}
      </Show>
    </section>
  )
}
