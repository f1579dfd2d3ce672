import type { LoggedEvent } from './event.ts'
import { type EventLog, gapAfter } from './log.ts'
import { parseCursor, requestedLimit, requestedPatterns } from './request.ts'

/**
 * A page of history: `{ gap?, events, cursor, more, oldest, head }`. The next page is `after` the `cursor`.
 *
 * @throws {AppError} `cursor.invalid`, `channel.invalid`, `limit.invalid`, `database.unavailable`
 */
export async function history(query: URLSearchParams, log: EventLog): Promise<Response> {
  const after = parseCursor(query.get('after') ?? 'earliest')
  const isGiven = typeof after === 'number'
  const patterns = query.has('channel') ? requestedPatterns(query) : undefined
  const limit = requestedLimit(query)
  const page = await log.read({ after: isGiven ? after : 0, limit, ...(patterns && { patterns }) })
  const { oldest, head } = page
  const gap = isGiven ? gapAfter(after, page) : undefined
  const cursor = gap?.reason === 'unknown' ? gap.to : page.cursor
  const members = [
    ...(gap ? [`"gap":${JSON.stringify(gap)}`] : []),
    `"events":[${page.events.map(eventJson).join(',')}]`,
    `"cursor":${cursor},"more":${cursor < head},"oldest":${oldest},"head":${head}`,
  ]
  return new Response(`{${members.join(',')}}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', vary: 'accept' },
  })
}

/** `data` is JSON text already: it goes out as it was published. */
const eventJson = ({ position, channel, type, data, time }: LoggedEvent) =>
  `{"position":${position},"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${data},"time":"${time.toISOString()}"}`
