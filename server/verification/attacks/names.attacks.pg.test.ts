import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'

// Names are printed to terminals and logs: HTTP and SQL refuse the same characters in them.

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

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
const UNSAFE = [
  ...range(0x01, 0x1f),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x2028, 0x202e),
  ...range(0x2066, 0x2069),
]
const SAFE = ['é', 'ß', '日', '😀', '\u00a0', '\u200d', '\u2027', '\u202f', '\u2065', '\u206a', '\ufeff'].map(
  (character) => Number(character.codePointAt(0)),
)

async function publishByHttp(event: object): Promise<string> {
  const response = await fetch(`${instance.url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  })
  return response.ok ? 'published' : ((await response.json()) as { code: string }).code
}

const publishBySql = (channel: string, type: string, key: string | null, origin: string | null) =>
  database.sql`select sse.publish(${channel}, ${type}, '1'::text, key => ${key}, origin => ${origin})`.then(
    () => 'published',
    (error) => `${error.code} ${error.message}`,
  )

const followWith = async (name: string, value: string) => {
  const url = `${instance.url}/events?${new URLSearchParams([[name, value]])}`
  const response = await fetch(url, { method: 'HEAD' })
  return response.status
}

describe('a character that a terminal, a log or a page interprets', () => {
  test('is refused in channels, types and keys over HTTP', async () => {
    for (const code of UNSAFE) {
      const name = `a${String.fromCodePoint(code)}b`
      expect([code, await publishByHttp({ channel: name, type: 't' })]).toEqual([code, 'channel.invalid'])
      expect([code, await publishByHttp({ channel: 'a', type: name })]).toEqual([code, 'type.invalid'])
      expect([code, await publishByHttp({ channel: 'a', type: 't', key: name })]).toEqual([code, 'key.invalid'])
    }
  })

  test('is refused in the patterns and client IDs of streams', async () => {
    for (const code of UNSAFE) {
      const name = `a${String.fromCodePoint(code)}b`
      expect([code, await followWith('channel', name)]).toEqual([code, 400])
      expect([code, await followWith('channel', `${name}.>`)]).toEqual([code, 400])
      expect([code, await followWith('clientId', name)]).toEqual([code, 400])
    }
  })

  test('is refused in channels, types, keys and origins from SQL, by an error that does not contain it', async () => {
    for (const code of UNSAFE) {
      const name = `a${String.fromCodePoint(code)}b`
      for (const result of [
        await publishBySql(name, 't', null, null),
        await publishBySql('a', name, null, null),
        await publishBySql('a', 't', name, null),
        await publishBySql('a', 't', null, name),
      ]) {
        expect([code, result.slice(0, 5)]).toEqual([code, '22023'])
        expect(result).not.toContain(name)
      }
    }
  })

  test('is refused in the names of customers, owners and recipients written by SQL', async () => {
    for (const code of UNSAFE) {
      const name = `a${String.fromCodePoint(code)}b`
      for (const statement of [
        database.sql`insert into sse.orders (customer, currency, lines, total) values (${name}, 'EUR', '[]', 0)`,
        database.sql`insert into sse.tasks (kind, owner, description, input) values ('demo', ${name}, '', '{}')`,
        database.sql`insert into sse.notification_deliveries (person, notification) values (${name}, 1)`,
      ]) {
        expect([code, await statement.then(() => 'inserted').catch((error) => error.code)]).toEqual([code, '23514'])
      }
    }
  })

  test('is not contained in the error that refuses it', async () => {
    const response = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ channel: 'a\u009b31m\u202eb', type: 't' }),
    })
    const { detail } = (await response.json()) as { detail: string }
    expect(detail).toContain('a\\u009b31m\\u202eb')
  })
})

test('other characters of any script are accepted, over HTTP and from SQL', async () => {
  for (const code of SAFE) {
    const name = `a${String.fromCodePoint(code)}b`
    expect([code, await publishByHttp({ channel: name, type: name, key: name })]).toEqual([code, 'published'])
    expect([code, await publishBySql(name, name, name, name)]).toEqual([code, 'published'])
    expect([code, await followWith('channel', name)]).toEqual([code, 200])
  }
})

describe('a channel of more than 16 tokens', () => {
  const channel = (tokens: number) => Array.from({ length: tokens }, (_, index) => index).join('.')

  test('is refused over HTTP and from SQL, and one of 16 is accepted', async () => {
    expect(await publishByHttp({ channel: channel(16), type: 't' })).toBe('published')
    expect(await publishByHttp({ channel: channel(17), type: 't' })).toBe('channel.invalid')
    expect(await publishBySql(channel(16), 't', null, null)).toBe('published')
    expect(await publishBySql(channel(17), 't', null, null)).toContain('17 tokens, more than 16')
  })

  test('is refused as a pattern, whatever its tokens are', async () => {
    for (const [pattern, status] of [
      [channel(16), 200],
      [channel(17), 400],
      [`${channel(15)}.>`, 200],
      [`${channel(16)}.>`, 400],
      [Array(16).fill('*').join('.'), 200],
      [Array(17).fill('*').join('.'), 400],
    ] as const) {
      expect([pattern, await followWith('channel', pattern)]).toEqual([pattern, status])
    }
  })

  test('in an old log is matched by a pattern with fewer tokens', async () => {
    const old = `old.${channel(120)}\u0085`
    await database.sql`select sse.append(array[${old}], array['t'], array['1']::json[], array[null], null)`
    const response = await fetch(`${instance.url}/events?channel=old.>`, { headers: { accept: 'application/json' } })
    expect(await response.json()).toMatchObject({ events: [{ channel: old }] })
  })
})
