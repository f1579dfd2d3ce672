import { createSignal } from 'solid-js'
import { isToken } from '../../../server/protocol/names.ts'
import { escapeToken } from '../../../server/protocol/token.ts'
import { access } from './session.ts'

const KEY = 'sse-update user'

const [chosen, setChosen] = createSignal(localStorage.getItem(KEY) ?? 'guest')

/** The name of the user, which is a token of channels: of the session, or, where there is no access control, a chosen one. */
export function user(): string {
  const now = access()
  return now.name === 'signed in' ? escapeToken(now.session.subject) : chosen()
}

/** The headers of a request that say who sends it: none with access control, where the cookie does. */
export const userHeaders = (): { 'x-user'?: string } =>
  // Its bytes in UTF-8.
  access().name === 'signed in' ? {} : { 'x-user': String.fromCharCode(...new TextEncoder().encode(chosen())) }

// Another tab of this browser is the same person.
window.addEventListener('storage', ({ key, newValue }: StorageEvent) => {
  if (key === KEY && newValue) setChosen(newValue)
})

/** Whether it is a name that can be a token of a channel; only then it is taken. */
export function actAs(name: string): boolean {
  if (!isToken(name)) return false
  localStorage.setItem(KEY, name)
  setChosen(name)
  return true
}
