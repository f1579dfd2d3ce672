import { createSignal } from 'solid-js'

const KEY = 'sse-update user'
const VALID = /^[^\s.*>]{1,100}$/

const [user, setUser] = createSignal(localStorage.getItem(KEY) ?? 'guest')

/** Who this browser acts as: there is no access control yet, so anybody may be anybody. */
export { user }

/** Whether it is a name that can be a token of a channel; only then it is taken. */
export function actAs(name: string): boolean {
  if (!VALID.test(name)) return false
  localStorage.setItem(KEY, name)
  setUser(name)
  return true
}
