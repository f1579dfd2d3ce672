import { For, type JSX, Show } from 'solid-js'
import type { Notification } from '../../../server/shop/notifications/schema.ts'
import { user } from '../live/identity.ts'
import { formatDuration, now } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { Compose } from './compose.tsx'
import { useInbox } from './inbox.ts'

/** The page of the notifications: the inbox of the user, and a form that sends one. */
export default function Notifications(): JSX.Element {
  const inbox = useInbox()
  const rows = () => inbox.collection()
  return (
    <>
      <div class="page-title">
        <h1>Notifications</h1>
        <p class="muted">To one user, to several, or to all. Read marks are the same in all tabs of a user.</p>
      </div>
      <div class="columns">
        <section class="card" aria-labelledby="inbox-title">
          <header>
            <h2 id="inbox-title">Inbox of {user()}</h2>
            <span class="muted">{inbox.unread()} unread</span>
            <button type="button" disabled={inbox.unread() === 0} onClick={() => void inbox.readAll()}>
              Mark all as read
            </button>
          </header>
          <States
            state={rows().state()}
            error={rows().error()}
            isEmpty={rows().ids().length === 0}
            empty={`There are no notifications for ${user()}. Send one with the form.`}
            onRetry={rows().reload}
          >
            <ul class="inbox">
              <For each={rows().ids()}>
                {(id) => (
                  <Show when={rows().rows[id]}>
                    {(notification) => <InboxItem notification={notification()} onRead={() => void inbox.read(id)} />}
                  </Show>
                )}
              </For>
            </ul>
          </States>
        </section>
        <Compose />
      </div>
    </>
  )
}

function InboxItem(props: { notification: Notification; onRead: () => void }): JSX.Element {
  const isUnread = () => props.notification.readAt === null
  return (
    <li data-level={props.notification.level} data-unread={isUnread()}>
      <div>
        <strong>{props.notification.title}</strong>
        <Show when={props.notification.body}>
          <p>{props.notification.body}</p>
        </Show>
        <p class="muted">
          {props.notification.sender}
          {props.notification.everyone ? ' to all users' : ''},{' '}
          {formatDuration(now() - Date.parse(props.notification.createdAt))} ago
        </p>
      </div>
      <Show when={props.notification.link}>
        {(link) => (
          <a class="button" href={link()}>
            Open link
          </a>
        )}
      </Show>
      <Show when={isUnread()}>
        <button type="button" class="ghost" onClick={() => props.onRead()}>
          Mark as read
        </button>
      </Show>
    </li>
  )
}
