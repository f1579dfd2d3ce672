import { createSignal, For, type JSX, Show } from 'solid-js'
import type { NotificationLevel } from '../../../server/shop/notifications/schema.ts'
import { api, ask } from '../live/api.ts'
import { user } from '../live/identity.ts'
import { formatDuration, now } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { useInbox } from './inbox.ts'

/** Writing notifications, and the inbox of whoever one acts as. */
export default function Notifications(): JSX.Element {
  const inbox = useInbox()
  const rows = () => inbox.collection()
  return (
    <>
      <div class="page-title">
        <h1>Notifications</h1>
        <p class="muted">To a person, to several, to everyone; read in one tab, read in all.</p>
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
            empty="Nothing yet. Send yourself something."
            onRetry={rows().reload}
          >
            <ul class="inbox">
              <For each={rows().ids()}>
                {(id) => (
                  <Show when={rows().rows[id]}>
                    {(notification) => (
                      <li data-level={notification().level} data-unread={notification().readAt === null}>
                        <div>
                          <strong>{notification().title}</strong>
                          <Show when={notification().body}>
                            <p>{notification().body}</p>
                          </Show>
                          <p class="muted">
                            {notification().sender}
                            {notification().everyone ? ' to everyone' : ''},{' '}
                            {formatDuration(now() - Date.parse(notification().createdAt))} ago
                          </p>
                        </div>
                        <Show when={notification().link}>
                          {(link) => (
                            <a class="button" href={link()}>
                              Open
                            </a>
                          )}
                        </Show>
                        <Show when={notification().readAt === null}>
                          <button type="button" class="ghost" onClick={() => void inbox.read(id)}>
                            Mark as read
                          </button>
                        </Show>
                      </li>
                    )}
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

function Compose(): JSX.Element {
  const [isForAll, setIsForAll] = createSignal(false)
  const [result, setResult] = createSignal('')
  const [problem, setProblem] = createSignal('')
  const send = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const text = (name: string) => String(data.get(name) ?? '').trim()
    setProblem('')
    setResult('')
    try {
      const link = text('link')
      const sent = await ask(
        api.notifications.post({
          to: isForAll()
            ? 'everyone'
            : text('to')
                .split(/[\s,]+/)
                .filter(Boolean),
          title: text('title'),
          body: text('body'),
          level: text('level') as NotificationLevel,
          ...(link && { link }),
        }),
      )
      setResult(`“${sent.title}” was sent.`)
      form.reset()
      setIsForAll(false)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  return (
    <section class="card" aria-labelledby="compose-title">
      <header>
        <h2 id="compose-title">Send a notification</h2>
      </header>
      <form onSubmit={(event) => void send(event)}>
        <label class="check">
          <input
            type="checkbox"
            name="everyone"
            checked={isForAll()}
            onInput={(event) => setIsForAll(event.currentTarget.checked)}
          />
          To everyone
        </label>
        <label>
          To
          <input name="to" placeholder="alice, bob" disabled={isForAll()} required={!isForAll()} value={user()} />
        </label>
        <label>
          Title
          <input name="title" required maxlength="200" />
        </label>
        <label>
          Text
          <textarea name="body" rows="3" maxlength="10000" />
        </label>
        <div class="pair">
          <label>
            Level
            <select name="level">
              <option>info</option>
              <option>success</option>
              <option>warning</option>
              <option>error</option>
            </select>
          </label>
          <label>
            Link
            <input name="link" placeholder="/orders" />
          </label>
        </div>
        <button type="submit" class="primary">
          Send
        </button>
        <p class="result" aria-live="polite">
          {result()}
        </p>
        <Show when={problem()}>
          <p class="error" role="alert">
            {problem()}
          </p>
        </Show>
      </form>
    </section>
  )
}
