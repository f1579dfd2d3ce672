import { createSignal, type JSX, Show } from 'solid-js'
import { actAs, user } from '../live/identity.ts'
import { Dialog } from '../ui/dialog.tsx'
import { type FormSubmit, submittedFields } from '../ui/form-fields.ts'

/** The user that the page acts as, and a dialog to change it. */
export function Identity(): JSX.Element {
  const [isOpen, setIsOpen] = createSignal(false)
  const [problem, setProblem] = createSignal('')
  const choose = (event: FormSubmit) => {
    if (actAs(submittedFields(event)('name'))) setIsOpen(false)
    else setProblem('A name has 1 to 100 characters, without spaces, ".", "*" and ">". Choose another name.')
  }
  return (
    <>
      <button type="button" class="ghost identity" onClick={() => setIsOpen(true)}>
        <span class="avatar" aria-hidden="true">
          {user()[0]?.toUpperCase()}
        </span>
        <span class="visually-hidden">Change user, currently </span>
        {user()}
      </button>
      <Dialog title="Change user" isOpen={isOpen()} onClose={() => setIsOpen(false)}>
        <form onSubmit={choose}>
          <p class="muted">
            There is no access control yet: you can act as any user. Tasks belong to the user that starts them, and
            notifications are sent to users.
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
            Change user
          </button>
        </form>
      </Dialog>
    </>
  )
}
