import { createSignal } from 'solid-js'
import type { Gap } from '../sse/protocol.ts'

const [notice, setNotice] = createSignal('')

/** The text above every page; empty when there is none. */
export { notice }

/** Shows a text above every page, in place of an earlier one. */
export const showNotice = (text: string): void => void setNotice(text)

/** Takes the text away. */
export const dismissNotice = (): void => void setNotice('')

/** Explains a gap: what shows the lost events was read again, or is incomplete. */
export function showGap({ from, to, reason }: Gap): void {
  const first = (from ?? 0) + 1
  const what = {
    purged: `You were disconnected for longer than events are kept: those from ${first} to ${to} were purged.`,
    lost: `Events from ${first} to ${to} are missing from the log of the server.`,
    unknown: "The server's log has been replaced: it may have been restored from a backup.",
  }
  showNotice(`${what[reason]} The page was reloaded from the server.`)
}
