import { For, type JSX, Show } from 'solid-js'
import { user } from '../live/identity.ts'
import { createToasts } from '../notifications/create-toasts.ts'
import { useInbox } from '../notifications/inbox.ts'

/** What came just now, until it is dismissed or read. */
export function Toasts(): JSX.Element {
  const inbox = useInbox()
  const { toasts, dismiss } = createToasts(user)
  return (
    <section class="toasts" aria-label="New notifications" aria-live="polite">
      <For each={toasts()}>
        {(notification) => (
          <article class="toast" data-level={notification.level}>
            <div>
              <strong>{notification.title}</strong>
              <Show when={notification.body}>
                <p>{notification.body}</p>
              </Show>
              <p class="muted">from {notification.sender}</p>
            </div>
            <div class="row">
              <Show when={notification.link}>
                {(link) => (
                  <a class="button" href={link()}>
                    Open
                  </a>
                )}
              </Show>
              <button type="button" class="ghost" onClick={() => void inbox.read(notification.id)}>
                Mark as read
              </button>
              <button
                type="button"
                class="ghost"
                aria-label={`Dismiss “${notification.title}”`}
                onClick={() => dismiss(notification.id)}
              >
                ✕
              </button>
            </div>
          </article>
        )}
      </For>
    </section>
  )
}
