import type { Cursor } from '../sse/cursor.ts'
import type { StreamEvent } from '../sse/protocol.ts'

export interface Filter {
  /** Pattern of channels. */
  channel: string
  /** Empty for all. */
  type: string
  /** As a `datetime-local` input has them; empty for no limit. */
  since: string
  until: string
}

export interface LogPage {
  /** Newest first. */
  events: StreamEvent[]
  cursor: Cursor
  more: boolean
  head: number
}

const LIMIT = 500

/** A page of the log before a cursor. @throws {Error} with what the server has to say */
export async function lookBack(
  { channel, type, since, until }: Filter,
  before: Cursor | undefined,
  limit = LIMIT,
): Promise<LogPage> {
  const query = new URLSearchParams({ before: String(before ?? 'latest'), limit: String(limit), channel })
  if (type) query.append('type', type)
  if (since) query.set('since', new Date(since).toISOString())
  if (until) query.set('until', new Date(until).toISOString())
  const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json' } }).catch(() => undefined)
  if (!response) throw new Error('The server does not answer.')
  const body = (await response.json().catch(() => ({}))) as LogPage & { detail?: string }
  if (!response.ok) throw new Error(body.detail ?? `The server answered ${response.status}.`)
  return body
}
