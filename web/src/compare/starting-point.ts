import { failWith } from '../live/api.ts'
import type { HistoryPage } from '../sse/protocol.ts'
import { UNREACHABLE } from '../ui/messages.ts'

/**
 * The cursor of the newest event: where all lanes begin.
 *
 * @throws {Error} with a message for the user, when the server is unreachable or refuses
 */
export async function readStartingPoint(channel: string): Promise<string> {
  const query = new URLSearchParams({ channel, after: 'latest', wait: '0' })
  const response = await fetch(`/events?${query}`, {
    headers: { accept: 'application/json' },
    cache: 'no-store',
  }).catch(() => undefined)
  if (!response) throw new Error(UNREACHABLE)
  if (!response.ok) return failWith(response)
  return ((await response.json()) as HistoryPage).cursor
}
