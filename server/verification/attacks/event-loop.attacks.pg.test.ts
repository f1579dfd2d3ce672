import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { openSocketReader, type SocketReader } from '../../testing/socket-reader.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

/**
 * Milliseconds. The limit is 50; the rest is for a machine that is busy with other tests. Unbounded work takes seconds.
 *
 * These tests measure time, as no others do: what holds the event loop is native code (a parser, a serializer, a regular
 * expression), whose steps can't be counted. What other processes take is subtracted, see heartbeat.preload.ts.
 */
const MOST_LATE = 120

let database: TestDatabase
let instance: InstanceProcess

beforeAll(async () => {
  database = await createDatabase()
  const command = [
    process.execPath,
    '--preload',
    `${import.meta.dir}/../../testing/heartbeat.preload.ts`,
    'server/main.ts',
  ]
  instance = await startProcess({ DATABASE_URL: database.url, LAB: 'on' }, { command })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** 63 patterns that are expensive to check, compare and index. @param variant of lists that have nothing in common */
const worstPatterns = (variant: string): string[] =>
  Array.from({ length: 63 }, (_, index) => {
    const tokens = Array.from({ length: 14 }, (_, place) => ((index + place) % 3 ? `t${index * 7 + place}` : '*'))
    return `${['x', ...tokens, variant].join('.')}${'q'.repeat(120)}`
  })

describe('many patterns do not block the event loop', () => {
  test('of 150 WebSockets that replace all of them at once, several times, and disconnect', async () => {
    const sockets = await Promise.all(Array.from({ length: 150 }, () => openSocketReader(instance.url, ['x'])))
    const messages = sockets.map((_, socket) => {
      const lists = [['x'], ...Array.from({ length: 4 }, (_, round) => worstPatterns(`${socket}-${round}`))]
      return lists.slice(1).map((subscribe, round) => JSON.stringify({ subscribe, unsubscribe: lists[round] }))
    })
    const late = await latestWhile(async () => {
      for (const [index, { send }] of sockets.entries()) for (const message of messages[index] ?? []) send(message)
      const isAnswered = ({ messages }: SocketReader) =>
        messages.filter(({ event }) => event === 'subscribed' || event === 'error').length === 4
      await until('all are answered', () => sockets.every(isAnswered), undefined, 30_000)
    })
    expect(late).toBeLessThan(MOST_LATE)
    const lateAtEnd = await latestWhile(async () => {
      for (const { socket } of sockets) socket.close()
      await untilNoStreams()
    })
    expect(lateAtEnd).toBeLessThan(MOST_LATE)
  }, 60_000)

  test('of 100 streams that are opened at once, and end at once', async () => {
    const end = new AbortController()
    const queries = Array.from({ length: 100 }, (_, stream) =>
      new URLSearchParams(worstPatterns(`s${stream}`).map((pattern) => ['channel', pattern])).toString(),
    )
    const late = await latestWhile(async () => {
      const open = (query: string) =>
        fetch(`${instance.url}/events?${query}`, { headers: { accept: 'text/event-stream' }, signal: end.signal })
      const responses = await Promise.all(queries.map(open))
      expect(responses.every(({ ok }) => ok)).toBe(true)
    })
    expect(late).toBeLessThan(MOST_LATE)
    const lateAtEnd = await latestWhile(async () => {
      end.abort()
      await untilNoStreams()
    })
    expect(lateAtEnd).toBeLessThan(MOST_LATE)
  }, 60_000)
})

async function untilNoStreams(): Promise<void> {
  const metrics = async () => (await fetch(`${instance.url}/metrics`)).text()
  await until('all streams have ended', metrics, (text) => text.includes('sse_update_connections 0\n'), 20_000)
}

test('8 readers of raw data that catch up with megabytes of line breaks do not block the event loop', async () => {
  await database.sql`select sse.publish_text('breaks', 't', repeat(chr(10), 500000)) from generate_series(1, 6)`
  const late = await latestWhile(async () => {
    const query = 'channel=breaks&lastEventId=earliest&data=raw'
    const readers = await Promise.all(Array.from({ length: 8 }, () => openStream(`${instance.url}/events?${query}`)))
    await Promise.all(readers.map((reader) => reader.untilEvents(6)))
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()))
  })
  expect(late).toBeLessThan(MOST_LATE)
}, 60_000)

const send = (path: string, body: string, type = 'application/json') =>
  fetch(`${instance.url}${path}`, { method: 'POST', headers: { 'content-type': type, 'x-user': 'mallory' }, body })

/** The longest time in milliseconds that the server's event loop was blocked during an action. */
async function latestWhile(action: () => Promise<unknown>): Promise<number> {
  const before = instance.output.length
  await action()
  // A heartbeat that is late is reported before the fence.
  const fences = () => instance.output.split('heartbeat fence').length
  const fence = fences()
  process.kill(instance.pid, 'SIGUSR2')
  await until('the heartbeat is reported', () => fences() > fence)
  const late = [...instance.output.slice(before).matchAll(/heartbeat late by (\d+) ms/g)]
  return Math.max(0, ...late.map(([, ms]) => Number(ms)))
}

/** A list of equal units, up to a size in bytes. */
function fill(bytes: number, open: string, unit: (index: number) => string, close: string): string {
  const parts: string[] = []
  for (let size = open.length + close.length, index = 0; ; index++) {
    const part = unit(index)
    size += part.length + 1
    if (size > bytes) return open + parts.join(',') + close
    parts.push(part)
  }
}

/** The most expensive JSON texts of a size in bytes. */
const worstJson = (bytes: number): Record<string, string> => ({
  'small numbers': fill(bytes, '[', () => '1', ']'),
  'numbers with fractions': fill(bytes, '[', () => '1.0', ']'),
  'empty objects': fill(bytes, '[', () => '{}', ']'),
  'many members': fill(bytes, '{', (index) => `"${index.toString(36)}":1.0`, '}'),
  'many numbered members': fill(bytes, '{', (index) => `"${(index * 7919) % 4_294_967_291}":1`, '}'),
  'open arrays': '['.repeat(bytes),
  'nested arrays': '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'nested objects': `${'{"a":'.repeat(bytes / 6)}1${'}'.repeat(bytes / 6)}`,
  escapes: `"${'\\u0041'.repeat(bytes / 6 - 1)}"`,
  'blank space': `${' '.repeat(bytes - 2)}{}`,
  'line breaks': `[${'\n'.repeat(bytes - 3)}1]`,
  'a long number': '1'.repeat(bytes),
})

const MIB = 2 ** 20
const MAX_REQUEST_BYTES = 2 * MIB

describe('events published from SQL do not block the event loop', () => {
  test('30 events of 1 MiB of line breaks, with two readers', async () => {
    await using first = await openStream(instance.url, ['sql.>'])
    await using second = await openStream(instance.url, ['sql.>'])
    const late = await latestWhile(async () => {
      await database.sql`
        select sse.publish('sql.a', 't', '[' || repeat(chr(10), 1048000) || '1]') from generate_series(1, 30)`
      await Promise.all([first.untilEvents(30), second.untilEvents(30)])
    })
    expect(late).toBeLessThan(MOST_LATE)
  }, 60_000)
})

test('30 texts of 1 MiB of line breaks, with two readers of raw data, do not block the event loop', async () => {
  const raw = () => openStream(`${instance.url}/events?channel=text.%3E&data=raw`)
  await using first = await raw()
  await using second = await raw()
  const late = await latestWhile(async () => {
    await database.sql`select sse.publish_text('text.a', 't', repeat(chr(10), 524287)) from generate_series(1, 30)`
    await Promise.all([first.untilEvents(30), second.untilEvents(30)])
  })
  expect(late).toBeLessThan(MOST_LATE)
}, 60_000)

describe('bodies at the limit of their route do not block the event loop', () => {
  test('POST /events, with the most expensive JSON', async () => {
    for (const [name, body] of Object.entries(worstJson(MAX_REQUEST_BYTES))) {
      const late = await latestWhile(async () => expect((await send('/events', body)).status).toBeWithin(400, 500))
      expect(late, name).toBeLessThan(MOST_LATE)
    }
  }, 30_000)

  test('POST /events, with the most expensive data', async () => {
    await using _reader = await openStream(instance.url, ['a.>'])
    for (const size of [60_000, 3900]) {
      for (const [name, data] of Object.entries(worstJson(size))) {
        const event = (index: number) => `{"channel":"a.${index}","type":"t","data":${data}}`
        const late = await latestWhile(async () =>
          (await send('/events', fill(MAX_REQUEST_BYTES, '[', event, ']'))).text(),
        )
        expect(late, `${name} of ${size} bytes`).toBeLessThan(MOST_LATE)
      }
    }
  }, 60_000)

  test('POST /events, with a body that is the data: text and the most expensive JSON', async () => {
    await using _reader = await openStream(`${instance.url}/events?channel=value.%3E&data=raw`)
    const texts = { 'control characters': '\u0001', 'line breaks': '\n', quotes: '"', 'other scripts': '€' }
    for (const size of [10_000, 60_000, MAX_REQUEST_BYTES]) {
      for (const [name, unit] of Object.entries(texts)) {
        const text = unit.repeat(size / Buffer.byteLength(unit))
        const late = await latestWhile(() =>
          Promise.all(Array.from({ length: 8 }, () => send('/events?channel=value.a', text, 'text/plain'))),
        )
        expect(late, `${name}, ${size} bytes`).toBeLessThan(MOST_LATE)
      }
      for (const [name, json] of Object.entries(worstJson(size))) {
        const late = await latestWhile(async () => (await send('/events?channel=value.a', json)).text())
        expect(late, `${name}, ${size} bytes`).toBeLessThan(MOST_LATE)
      }
    }
  }, 60_000)

  test('POST /events, with many bodies at once', async () => {
    const body = fill(MIB, '[', () => '{"channel":"a","type":"t","data":[1.0,{"a":1.0}]}', ']').slice(0, -1)
    const late = await latestWhile(() => Promise.all(Array.from({ length: 16 }, () => send('/events', body))))
    expect(late).toBeLessThan(MOST_LATE)
  }, 30_000)

  const orderOf = (lines: string) => `{"customer":"a","currency":"EUR","lines":${lines}}`
  const routes: [path: string, bytes: number, wrap: (json: string) => string][] = [
    ['/api/orders', 64 * 1024, (json) => json],
    ['/api/orders', 64 * 1024 - 100, orderOf],
    ['/api/orders/1/transitions', 4096, (json) => json],
    ['/api/tasks', 4096, (json) => json],
    ['/api/tasks', 4096 - 100, (json) => `{"kind":"demo","input":${json}}`],
    ['/api/notifications', 64 * 1024, (json) => json],
    ['/api/notifications', 64 * 1024 - 100, (json) => `{"title":"t","to":${json}}`],
    ['/api/notifications/read', 4096, (json) => json],
    ['/api/lab/faults', 4096, (json) => json],
  ]
  test.each(routes)(
    'POST %s with %d bytes',
    async (path, bytes, wrap) => {
      for (const [name, json] of Object.entries(worstJson(bytes))) {
        const late = await latestWhile(async () => expect((await send(path, wrap(json))).status).toBeLessThan(500))
        expect(late, name).toBeLessThan(MOST_LATE)
      }
    },
    30_000,
  )

  test.each(['/api/orders', '/api/tasks', '/api/notifications', '/api/lab/faults'])(
    'POST %s with megabytes, which are refused unread',
    async (path) => {
      const body = fill(16 * MIB, '[', () => '{}', ']')
      const late = await latestWhile(async () => expect((await send(path, body)).status).toBe(413))
      expect(late).toBeLessThan(MOST_LATE)
    },
    30_000,
  )

  const HEADER = 'customer,currency,sku,name,quantity,unit_price\n'
  test.each([
    ['blank lines', '\n'],
    ['short lines', 'x\n'],
    ['open quotes', `"${'\n'.repeat(1000)}`],
    ['quotes', '"'],
    ['commas', ','],
  ])(
    'POST /api/orders/import with three megabytes of %s',
    async (_, unit) => {
      const file = HEADER + unit.repeat((3 * MIB) / unit.length)
      const late = await latestWhile(async () => {
        const { id } = (await (await send('/api/orders/import', file, 'text/csv')).json()) as { id: number }
        await ended(id)
      })
      expect(late).toBeLessThan(MOST_LATE)
    },
    60_000,
  )
})

test.each(['/openapi.json', '/asyncapi.json', '/metrics', '/api/cluster'])(
  'the first GET of %s does not block the event loop',
  async (path) => {
    const late = await latestWhile(async () => (await fetch(`${instance.url}${path}`)).text())
    expect(late).toBeLessThan(MOST_LATE)
  },
)

describe('pages of the largest rows do not block the event loop', () => {
  const long = 'x'.repeat(300)
  const pages: [path: string, prepare: string][] = [
    [
      '/api/orders?limit=500',
      `insert into sse.orders (customer, currency, lines, total)
       select 'a', 'EUR', (select jsonb_agg(jsonb_build_object(
         'sku', left('${long}', 100), 'name', left('${long}', 200), 'quantity', 1, 'unitPrice', 1))
         from generate_series(1, 100)), 100 from generate_series(1, 500)`,
    ],
    [
      '/api/notifications?limit=500',
      `insert into sse.notifications (sender, everyone, title, body, level)
       select 'a', true, 't', repeat('x', 10000), 'info' from generate_series(1, 500)`,
    ],
    [
      '/events?limit=1000',
      `select sse.publish('big', 't', (select json_agg(i) from generate_series(1, 10000) i)::text) from generate_series(1, 200)`,
    ],
  ]
  test.each(pages)(
    'GET %s',
    async (path, prepare) => {
      await database.sql.unsafe(prepare)
      const late = await latestWhile(async () => {
        const response = await fetch(`${instance.url}${path}`, {
          headers: { accept: 'application/json', 'x-user': 'm' },
        })
        expect(response.status).toBe(200)
        await response.arrayBuffer()
      })
      expect(late).toBeLessThan(MOST_LATE)
    },
    30_000,
  )
})

async function ended(id: number): Promise<void> {
  const read = async () => (await (await fetch(`${instance.url}/api/tasks/${id}`)).json()) as { state: string }
  await until('the task has ended', read, ({ state }) => !['queued', 'running'].includes(state), 60_000)
}
