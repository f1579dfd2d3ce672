import { createSignal, type JSX, Match, Show, Switch } from 'solid-js'
import { actAs, user } from '../live/identity.ts'
import { access, type Session, signOut } from '../live/session.ts'
import { Dialog } from '../ui/dialog.tsx'
import { type FormSubmit, submittedFields } from '../ui/form-fields.ts'
import { GrantFacts } from './grant.tsx'
import { TokenForm } from './token-form.tsx'

interface IdentityProps {
  isOpen: boolean
  onOpenChange: (isOpen: boolean) => void
}

/** The user of the page, and a dialog: with access control the session, without it a choice of users. */
export function Identity(props: IdentityProps): JSX.Element {
  const session = () => {
    const now = access()
    return now.name === 'signed in' ? now.session : undefined
  }
  const name = () => session()?.subject ?? user()
  const close = () => props.onOpenChange(false)
  return (
    <>
      <button type="button" class="ghost identity" onClick={() => props.onOpenChange(true)}>
        <span class="avatar" aria-hidden="true">
          {name()[0]?.toUpperCase()}
        </span>
        <span class="visually-hidden">{session() ? 'Session of ' : 'Change user, currently '}</span>
        <span class="one-line">{name()}</span>
        <Show when={session()?.role === 'operator'}>
          <span class="tag">operator</span>
        </Show>
      </button>
      <Dialog title={session() ? 'Your session' : 'Change user'} isOpen={props.isOpen} onClose={close}>
        <Switch fallback={<UserForm onDone={close} />}>
          <Match when={session()}>{(current) => <SessionDetails session={current()} onDone={close} />}</Match>
        </Switch>
      </Dialog>
    </>
  )
}

function SessionDetails(props: { session: Session; onDone: () => void }): JSX.Element {
  const [problem, setProblem] = createSignal('')
  const end = () => signOut().catch((error: Error) => setProblem(error.message))
  return (
    <>
      <GrantFacts session={props.session} />
      <Show when={problem()}>
        <p class="error" role="alert">
          {problem()}
        </p>
      </Show>
      <button type="button" onClick={() => void end()}>
        Sign out
      </button>
      <h3>Renew</h3>
      <p class="muted">With a new token of the same subject, open streams continue without reconnecting.</p>
      <TokenForm action="Renew session" onDone={props.onDone} />
    </>
  )
}

function UserForm(props: { onDone: () => void }): JSX.Element {
  const [problem, setProblem] = createSignal('')
  const choose = (event: FormSubmit) => {
    if (actAs(submittedFields(event)('name'))) props.onDone()
    else setProblem('A name has 1 to 100 characters, without spaces, ".", "*" and ">". Choose another name.')
  }
  return (
    <form onSubmit={choose}>
      <p class="muted">
        <strong>This server has no access control</strong>, because it has no keys (<code>JWT_SECRET</code>): you can
        act as any user, and read and publish everything. Tasks belong to the user that starts them, and notifications
        are sent to users.
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
  )
}
