import { checkParameters } from '../platform/query-parameters.ts'
import type { LoggedEvent } from './event.ts'
import { type EventLog, gapAfter } from './log.ts'
import {
  HISTORY_PARAMETERS,
  LOOK_BACK_PARAMETERS,
  parseCursor,
  requestedLimit,
  requestedPatterns,
  requestedTime,
  requestedTypes,
} from './request.ts'
import type { Search } from './search.ts'

/**
 * A page of history: `{ gap?, events, cursor, more, oldest, head }`. The next page is `after` the `cursor`.
 *
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `limit.invalid`,
 * `database.unavailable`
 */
export async function history(query: URLSearchParams, log: EventLog): Promise<Response> {
  checkParameters(query, HISTORY_PARAMETERS)
  const after = parseCursor(query.get('after') ?? 'earliest')
  const isGiven = typeof after === 'number'
  const patterns = query.has('channel') ? requestedPatterns(query) : undefined
  const limit = requestedLimit(query)
  const read = await log.read({ after: isGiven ? after : 0, limit, ...(patterns && { patterns }) })
  const { oldest, head } = read
  const gap = isGiven ? gapAfter(after, read) : undefined
  const cursor = gap?.reason === 'unknown' ? gap.to : read.cursor
  const members = [
    ...(gap ? [`"gap":${JSON.stringify(gap)}`] : []),
    `"events":[${read.events.map(eventJson).join(',')}]`,
    `"cursor":${cursor},"more":${cursor < head},"oldest":${oldest},"head":${head}`,
  ]
  return page(members)
}

/**
 * A page that looks back: `{ events, cursor, more, oldest, head }`, newest first. The next page is `before` the `cursor`.
 *
 * @throws {AppError} `parameter.unknown`, `parameter.repeated`, `cursor.invalid`, `channel.invalid`, `type.invalid`,
 * `time.invalid`, `limit.invalid`, `database.unavailable`
 */
export async function lookBack(query: URLSearchParams, search: Search): Promise<Response> {
  checkParameters(query, LOOK_BACK_PARAMETERS)
  const given = query.get('before')
  const before = given === 'latest' ? undefined : parseCursor(given ?? undefined)
  const { events, cursor, more, oldest, head } = await search.find({
    before: typeof before === 'number' ? before : undefined,
    limit: requestedLimit(query),
    patterns: query.has('channel') ? requestedPatterns(query) : undefined,
    types: requestedTypes(query),
    since: requestedTime(query, 'since'),
    until: requestedTime(query, 'until'),
  })
  return page([
    `"events":[${events.map(eventJson).join(',')}]`,
    `"cursor":${cursor},"more":${more},"oldest":${oldest},"head":${head}`,
  ])
}

const page = (members: readonly string[]) =>
  new Response(`{${members.join(',')}}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', vary: 'accept' },
  })

/** `data` is JSON text already: it goes out as it was published. */
const eventJson = ({ position, channel, type, data, time }: LoggedEvent) =>
  `{"position":${position},"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${data},"time":"${time.toISOString()}"}`
