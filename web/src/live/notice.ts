import { createSignal } from 'solid-js'
import type { Gap } from '../sse/protocol.ts'

const [notice, setNotice] = createSignal('')

/** What a person is told above every page; empty when there is nothing to tell. */
export { notice }

export const tell = (text: string): void => void setNotice(text)

export const dismissNotice = (): void => void setNotice('')

/** Events were lost: what shows them was read anew, or can't be complete. */
export function tellGap({ from, to, reason }: Gap): void {
  const what = {
    purged: `You were away for longer than events are kept: those from ${from + 1} to ${to} are gone.`,
    lost: `Events from ${from + 1} to ${to} are missing from the log of the server.`,
    unknown: 'The log of the server is another one than before, such as a restored backup.',
  }
  tell(`${what[reason]} What you see was read anew.`)
}
