import { expect } from 'bun:test'
import { type Door, knock } from './doors.ts'
import { openStream } from './stream-reader.ts'
import { bearer, type TestClaims } from './tokens.ts'

/** A query that asks for channels. */
export const asQuery = (...channels: string[]): string =>
  new URLSearchParams(channels.map((each) => ['channel', each])).toString()

/** The ways to read, with a query. */
const readers = (query: string): Door[] => [
  { route: `GET /events?${query}`, headers: { accept: 'text/event-stream' } },
  { route: `HEAD /events?${query}`, headers: { accept: 'text/event-stream' } },
  { route: `GET /events?${query}`, headers: { accept: 'application/json' } },
  { route: `GET /events?before=latest&${query}`, headers: { accept: 'application/json' } },
]

/** What a refusal is expected to say. */
export interface Refusal {
  status: number
  code: string
  /** The channel that it names. */
  channel?: string | undefined
  /** Texts that it must not hold. */
  secrets?: readonly string[]
}

/** Fails unless every way of reading is refused, without a challenge and without a part of the token. */
export async function expectReadRefused(
  url: string,
  claims: TestClaims,
  query: string,
  expected: Refusal,
): Promise<void> {
  const { status, code, channel, secrets = [] } = expected
  const headers = await bearer(claims)
  for (const door of readers(query)) {
    const answer = await knock(url, door, headers)
    expect([door.route, answer.status, answer.challenge]).toEqual([door.route, status, null])
    if (door.route.startsWith('HEAD')) continue
    expect(answer.code).toBe(code)
    if (channel !== undefined) expect(JSON.parse(answer.text).channel).toBe(channel)
    for (const secret of [...secrets, headers.authorization.slice(7)]) expect(answer.text).not.toContain(secret)
  }
}

/**
 * The channels of the events since the first: by history forward, by history backward, and, where the query names channels, by
 * a stream. Without those of `marks`.
 */
export async function channelsRead(url: string, claims: TestClaims, query: string): Promise<string[][]> {
  const headers = await bearer(claims)
  const isMeant = (channel: string) => channel !== 'marks'
  const page = async (path: string) => {
    const response = await fetch(url + path, { headers: { ...headers, accept: 'application/json' } })
    const { events } = (await response.json()) as { events: { channel: string }[] }
    return events.map(({ channel }) => channel).filter(isMeant)
  }
  const pages = [await page(`/events?limit=1000&${query}`), (await page(`/events?before=latest&${query}`)).reverse()]
  if (!query.includes('channel=')) return pages
  await using stream = await openStream(`${url}/events?${query}`, [], { ...headers, 'last-event-id': 'earliest' })
  // A stream that started behind gets a heartbeat when it has caught up.
  await stream.until(({ frames }) => frames.some(({ event }) => event === 'heartbeat'))
  return [...pages, stream.events.map(({ channel }) => channel).filter(isMeant)]
}
