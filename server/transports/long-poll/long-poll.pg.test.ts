import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { HistoryPage } from '../../protocol/history.ts'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const newChannel = () => `test.${crypto.randomUUID()}`

const get = (query: Record<string, string | number>, init: RequestInit = {}, url = instance.url) =>
  fetch(`${url}/events?${new URLSearchParams(query as Record<string, string>)}`, {
    ...init,
    headers: { accept: 'application/json', ...(init.headers as Record<string, string>) },
  })

const read = async (query: Record<string, string | number>, init: RequestInit = {}) =>
  (await (await get(query, init)).json()) as HistoryPage

const dataOf = ({ events }: HistoryPage) => events.map(({ data }) => data)

/** Resolves when as many requests wait as given. */
const untilWaiting = (count: number) =>
  until(
    'requests that wait',
    async () => /^sse_update_connections (\d+)$/m.exec(await (await fetch(`${instance.url}/metrics`)).text())?.[1],
    (value) => Number(value) === count,
  )

describe('a page with wait', () => {
  test('is sent at once when events lie after the cursor', async () => {
    const channel = newChannel()
    await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel, type: 't', data })),
    )
    const page = await read({ channel, after: 'earliest', wait: 60 })
    expect(dataOf(page)).toEqual([1, 2, 3])
    expect(page).toMatchObject({ more: false, cursor: expect.stringMatching(/^\d+-\w+$/) })
  })

  test('is sent as soon as an event is published, without those of other channels', async () => {
    const channel = newChannel()
    const waiting = read({ channel, after: 'latest', wait: 60 })
    await untilWaiting(1)
    await publish(instance.url, [{ channel: newChannel(), type: 't', data: 'other' }])
    await publish(instance.url, [{ channel, type: 't', data: 'mine' }])
    expect(dataOf(await waiting)).toEqual(['mine'])
    await untilWaiting(0)
  })

  test('is empty at the end of the wait, and its cursor has moved past the events of other channels', async () => {
    const channel = newChannel()
    const waiting = read({ channel, after: 'latest', wait: 1 })
    await untilWaiting(1)
    const [position] = await publish(instance.url, [{ channel: newChannel(), type: 't' }])
    const page = await waiting
    expect(page.events).toEqual([])
    expect(page.cursor).toStartWith(`${position}-`)
  })

  test('waits also when events of other channels lie after its cursor', async () => {
    const channel = newChannel()
    const [position] = await publish(instance.url, [{ channel, type: 't' }])
    await publish(instance.url, [{ channel: newChannel(), type: 't' }])
    const waiting = read({ channel, after: String(position), wait: 60 })
    await untilWaiting(1)
    await publish(instance.url, [{ channel, type: 't', data: 'late' }])
    expect(dataOf(await waiting)).toEqual(['late'])
  })

  test('follows its links through every event, once and in order, while they are published', async () => {
    const channel = newChannel()
    const count = 60
    const publishing = (async () => {
      for (let data = 0; data < count; data++) await publish(instance.url, [{ channel, type: 't', data }])
    })()
    const seen: unknown[] = []
    let url = `${instance.url}/events?${new URLSearchParams({ channel, wait: '60', limit: '7', after: 'earliest' })}`
    while (seen.length < count) {
      const response = await fetch(url, { headers: { accept: 'application/json' } })
      seen.push(...dataOf((await response.json()) as HistoryPage))
      url = new URL(/^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? '', url).href
    }
    await publishing
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => n))
  })

  test('has at most as many events as its limit, and says that there are more', async () => {
    const channel = newChannel()
    await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel, type: 't', data })),
    )
    const first = await read({ channel, limit: 2, wait: 60 })
    expect(dataOf(first)).toEqual([1, 2])
    expect(first.more).toBe(true)
    expect(dataOf(await read({ channel, limit: 2, wait: 60, after: first.cursor }))).toEqual([3])
  })

  test('leaves out the events of its own client ID', async () => {
    const channel = newChannel()
    await publish(instance.url, [{ channel, type: 't', data: 'own' }], { 'x-client-id': 'page-1' })
    await publish(instance.url, [{ channel, type: 't', data: 'other' }], { 'x-client-id': 'page-2' })
    expect(dataOf(await read({ channel, wait: 60, clientId: 'page-1' }))).toEqual(['other'])
    expect(dataOf(await read({ channel, clientId: 'page-1' }))).toEqual(['other'])
  })

  test('reports a gap at once for a cursor of another log', async () => {
    const page = await read({ channel: newChannel(), after: '7-other', wait: 60 })
    expect(page).toMatchObject({ gap: { reason: 'unknown' }, events: [] })
  })

  test('waits by the preference of RFC 7240, too', async () => {
    const channel = newChannel()
    const headers = { prefer: 'respond-async, wait=60' }
    const waiting = read({ channel, after: 'latest' }, { headers })
    await untilWaiting(1)
    await publish(instance.url, [{ channel, type: 't', data: 1 }])
    expect(dataOf(await waiting)).toEqual([1])
  })

  test('of all channels that may be read, when none is given', async () => {
    const waiting = read({ after: 'latest', wait: 60 })
    await untilWaiting(1)
    const channel = newChannel()
    await publish(instance.url, [{ channel, type: 't', data: 1 }])
    expect((await waiting).events[0]).toMatchObject({ channel, data: 1 })
  })

  test('frees its place when the client disconnects', async () => {
    const gone = new AbortController()
    const waiting = get({ channel: newChannel(), after: 'latest', wait: 60 }, { signal: gone.signal }).catch(
      () => 'gone',
    )
    await untilWaiting(1)
    gone.abort()
    expect(await waiting).toBe('gone')
    await untilWaiting(0)
  })

  test('is replaced by another request with its client ID', async () => {
    const channel = newChannel()
    const query = { channel, after: 'latest', wait: 60, clientId: crypto.randomUUID() }
    const first = read(query)
    await untilWaiting(1)
    const second = read(query)
    expect(await first).toMatchObject({ closing: { reason: 'replaced' }, events: [] })
    await publish(instance.url, [{ channel, type: 't', data: 1 }])
    expect(dataOf(await second)).toEqual([1])
  })
})

describe('a page without wait', () => {
  test('after latest is empty, with the cursor of the head', async () => {
    const channel = newChannel()
    const [position] = await publish(instance.url, [{ channel, type: 't' }])
    const page = await until(
      'the head',
      () => read({ channel, after: 'latest' }),
      ({ cursor }) => cursor.startsWith(`${position}-`),
    )
    expect(page).toMatchObject({ events: [], more: false })
  })

  test('links to the next one while there are more, in both directions', async () => {
    const channel = newChannel()
    await publish(
      instance.url,
      [1, 2].map((data) => ({ channel, type: 't', data })),
    )
    for (const [direction, from] of [
      ['after', 'earliest'],
      ['before', 'latest'],
    ] as const) {
      const first = await get({ channel, limit: 1, [direction]: from })
      const { cursor } = (await first.json()) as HistoryPage
      const query = new URLSearchParams({ channel, limit: '1', [direction]: cursor })
      expect(first.headers.get('link')).toBe(`<?${query}>; rel="next"`)
    }
    expect((await get({ channel, after: 'latest', limit: 2 })).headers.has('link')).toBe(true)
    expect((await get({ channel, limit: 1000, before: 'latest' })).headers.has('link')).toBe(false)
  })
})

describe('a wait that is refused', () => {
  test('is a 400 when it is out of range, and an unknown parameter with before', async () => {
    for (const wait of ['-1', '61', '1.5', '', 'long']) {
      const response = await get({ channel: 'a', wait })
      expect([response.status, await response.json()]).toMatchObject([400, { code: 'wait.invalid' }])
    }
    expect(await (await get({ channel: 'a', wait: 1, before: 'latest' })).json()).toMatchObject({
      code: 'parameter.unknown',
    })
    for (const wait of [0, 1]) {
      const response = await get({ channel: 'a', wait, clientId: 'a\nb' })
      expect([response.status, await response.json()]).toMatchObject([400, { code: 'client_id.invalid' }])
    }
    expect(await (await get({ channel: 'a', wait: 1, after: 'x' })).json()).toMatchObject({ code: 'cursor.invalid' })
  })

  test('is a 429 or 503 with Retry-After when the subject or the instance has no room', async () => {
    await using small = await startInstance(database.url, { MAX_CONNECTIONS: '1' })
    const gone = new AbortController()
    const query = { channel: newChannel(), after: 'latest', wait: 60 }
    const first = get(query, { signal: gone.signal }, small.url).catch(() => 'gone')
    const response = await until(
      'a refusal',
      () => get({ ...query, wait: 1 }, {}, small.url),
      ({ status }) => status !== 200,
    )
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'stream.unavailable', reason: 'full' })
    gone.abort()
    await first
  })

  test('ends with the reason when the instance stops', async () => {
    const stopping = await startInstance(database.url)
    const waiting = get({ channel: newChannel(), after: 'latest', wait: 60 }, {}, stopping.url)
    await until('a request that waits', async () =>
      (await (await fetch(`${stopping.url}/metrics`)).text()).includes('sse_update_connections 1\n'),
    )
    const stopped = stopping[Symbol.asyncDispose]()
    expect(await (await waiting).json()).toMatchObject({ closing: { reason: 'drain' }, events: [] })
    await stopped
  })
})
