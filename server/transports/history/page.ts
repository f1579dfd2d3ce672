import { urlOf } from '../../http/request-url.ts'
import type { Closing, Gap } from '../../protocol/control-events.ts'
import { envelopeMembers, type LoggedEvent } from '../../protocol/event.ts'

/** Headers of every page. */
const PAGE_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  vary: 'accept, prefer',
}

/** nginx's status for a client that has disconnected; no RFC has one. */
export const CLIENT_CLOSED_REQUEST = 499

/** A page of events, whose events are JSON text already. */
export interface Page {
  gap?: Gap | undefined
  /** Why a request that waited is answered early; it may be repeated after `retry` milliseconds. */
  closing?: Closing | undefined
  /** Events as JSON text, with commas between them. */
  events: string
  cursor: string
  more: boolean
  /** Position of the oldest event kept. */
  oldest: number
  /** Position of the newest event. */
  head: number
}

/** The body of a page. */
export function pageText({ gap, closing, events, cursor, more, oldest, head }: Page): string {
  const members = [
    ...(gap ? [`"gap":${JSON.stringify(gap)}`] : []),
    ...(closing ? [`"closing":${JSON.stringify(closing)}`] : []),
    `"events":[${events}]`,
    `"cursor":"${cursor}","more":${more},"oldest":${oldest},"head":${head}`,
  ]
  return `{${members.join(',')}}\n`
}

/**
 * An event of a page.
 *
 * @param data JSON text: it is sent as it was published
 */
export const eventJson = (event: LoggedEvent, data = event.data): string =>
  `{"position":${event.position},${envelopeMembers(event, data)}}`

/** The response with a page. @param next where the next page is (RFC 8288); `undefined` on the last */
export const pageResponse = (body: string | Uint8Array<ArrayBuffer>, next: string | undefined): Response =>
  new Response(body, {
    headers: next === undefined ? PAGE_HEADERS : { ...PAGE_HEADERS, link: `<${next}>; rel="next"` },
  })

/** The same request for another page: a relative reference. */
export function nextPage(request: Request, direction: 'after' | 'before', cursor: string): string {
  const { searchParams } = urlOf(request)
  const query = new URLSearchParams(searchParams)
  query.set(direction, cursor)
  return `?${query}`
}
