import { createSignal } from 'solid-js'
import { isToken } from '../../../server/protocol/names.ts'

const KEY = 'sse-update user'

const [user, setUser] = createSignal(localStorage.getItem(KEY) ?? 'guest')

/** Who this browser acts as: there is no access control yet, so anybody may be anybody. */
export { user }

/** The name as the header `X-User` carries it: its bytes in UTF-8. */
export const userHeader = (): string => String.fromCharCode(...new TextEncoder().encode(user()))

// Another tab of this browser is the same person.
window.addEventListener('storage', ({ key, newValue }: StorageEvent) => {
  if (key === KEY && newValue) setUser(newValue)
})

/** Whether it is a name that can be a token of a channel; only then it is taken. */
export function actAs(name: string): boolean {
  if (!isToken(name)) return false
  localStorage.setItem(KEY, name)
  setUser(name)
  return true
}
