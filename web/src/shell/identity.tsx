import { createSignal, type JSX, Show } from 'solid-js'
import { actAs, user } from '../live/identity.ts'
import { Dialog } from '../ui/dialog.tsx'

/** Who one acts as, and a way to be somebody else. */
export function Identity(): JSX.Element {
  const [isOpen, setIsOpen] = createSignal(false)
  const [problem, setProblem] = createSignal('')
  const choose = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget).get('name')).trim()
    if (actAs(name)) setIsOpen(false)
    else setProblem('A name is 1 to 100 characters without spaces, ".", "*" or ">".')
  }
  return (
    <>
      <button type="button" class="ghost identity" onClick={() => setIsOpen(true)}>
        <span class="avatar" aria-hidden="true">
          {user()[0]?.toUpperCase()}
        </span>
        <span class="visually-hidden">You act as </span>
        {user()}
      </button>
      <Dialog title="Who are you?" isOpen={isOpen()} onClose={() => setIsOpen(false)}>
        <form onSubmit={choose}>
          <p class="muted">
            There is no access control yet: anybody may be anybody. Tasks that you start are yours, and notifications go
            to names.
          </p>
          <label>
            Name
            <input name="name" value={user()} autocomplete="username" required />
          </label>
          <Show when={problem()}>
            <p class="error" role="alert">
              {problem()}
            </p>
          </Show>
          <button type="submit" class="primary">
            Act as this person
          </button>
        </form>
      </Dialog>
    </>
  )
}
