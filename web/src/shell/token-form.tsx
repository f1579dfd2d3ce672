import { createSignal, type JSX, Show } from 'solid-js'
import { signIn } from '../live/session.ts'
import { type FormSubmit, submittedFields } from '../ui/form-fields.ts'

/** A form that begins or renews the session with a token. The token is sent to the server and kept nowhere else. */
export function TokenForm(props: { action: string; onDone?: () => void }): JSX.Element {
  const [problem, setProblem] = createSignal('')
  const [isBusy, setIsBusy] = createSignal(false)
  const submit = async (event: FormSubmit) => {
    const form = event.currentTarget
    const token = submittedFields(event)('token')
    setProblem('')
    setIsBusy(true)
    try {
      await signIn(token)
      form.reset()
      props.onDone?.()
    } catch (error) {
      setProblem((error as Error).message)
    } finally {
      setIsBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label>
        Token
        <textarea
          name="token"
          class="code token"
          rows="4"
          required
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          placeholder="eyJhbGciOi…"
        />
      </label>
      <Show when={problem()}>
        <p class="error" role="alert">
          {problem()}
        </p>
      </Show>
      <button type="submit" class="primary" disabled={isBusy()}>
        {props.action}
      </button>
    </form>
  )
}
