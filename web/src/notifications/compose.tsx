import { createSignal, type JSX, Show } from 'solid-js'
import type { NotificationLevel } from '../../../server/shop/notifications/schema.ts'
import { api, ask } from '../live/api.ts'
import { user } from '../live/identity.ts'
import { type Fields, type FormSubmit, submittedFields } from '../ui/form-fields.ts'
import { recipientsOf } from './recipients.ts'

/** The form that sends a notification. */
export function Compose(): JSX.Element {
  const [isForAll, setIsForAll] = createSignal(false)
  const [result, setResult] = createSignal('')
  const [problem, setProblem] = createSignal('')
  const send = async (event: FormSubmit) => {
    const form = event.currentTarget
    const field = submittedFields(event)
    setProblem('')
    setResult('')
    try {
      const { title } = await ask(api.notifications.post(notificationOf(field, isForAll())))
      setResult(`Sent “${title}”.`)
      form.reset()
      setIsForAll(false)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  return (
    <section class="card" aria-labelledby="compose-title">
      <header>
        <h2 id="compose-title">New notification</h2>
      </header>
      <form onSubmit={(event) => void send(event)}>
        <label class="check">
          <input
            type="checkbox"
            name="everyone"
            checked={isForAll()}
            onInput={(event) => setIsForAll(event.currentTarget.checked)}
          />
          To all users
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

function notificationOf(field: Fields, isForAll: boolean) {
  const link = field('link')
  return {
    to: isForAll ? ('everyone' as const) : recipientsOf(field('to')),
    title: field('title'),
    body: field('body'),
    level: field('level') as NotificationLevel,
    ...(link && { link }),
  }
}
