import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { createRole } from '../testing/role.ts'
import { until } from '../testing/until.ts'
import { createKey, hashKey, type StoredKey } from './key-ring.ts'
import { listKeys, readKeys, revokeKey, storeKey } from './key-store.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const stored = (name: string, key: string, more: Partial<StoredKey> = {}): StoredKey => ({
  name,
  hash: hashKey(key),
  publish: [],
  subscribe: [],
  role: 'user',
  ...more,
})

/** Publishes one event with a credential. @returns the status, and the code of a problem */
async function publish(url: string, channel: string, credential?: string): Promise<[number, string | undefined]> {
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(credential && { authorization: `Bearer ${credential}` }) },
    body: JSON.stringify({ channel, type: 't' }),
  })
  return [response.status, ((await response.json()) as { code?: string }).code]
}

describe('keys in Postgres', () => {
  test('are stored as hashes, listed without them, and revoked for good', async () => {
    const db = directly(database.sql)
    const key = stored('billing', createKey(), { publish: ['orders.>'], subscribe: ['orders.*.1'], role: 'operator' })
    await storeKey(db, key)
    expect(await readKeys(db)).toEqual([key])
    expect(await listKeys(db)).toEqual([
      {
        name: 'billing',
        publish: ['orders.>'],
        subscribe: ['orders.*.1'],
        role: 'operator',
        createdAt: expect.any(Date),
        revokedAt: null,
      },
    ])
    expect(await revokeKey(db, 'billing')).toBe(true)
    expect(await revokeKey(db, 'billing')).toBe(false)
    expect(await readKeys(db)).toEqual([])
    expect((await listKeys(db))[0]?.revokedAt).toBeInstanceOf(Date)
    await expect(storeKey(db, stored('billing', createKey()))).rejects.toMatchObject({ code: '23505' })
    expect(
      (await database.sql`select type from sse.outbox where channel = 'sse.access'`).map(({ type }) => type),
    ).toEqual(['keys.changed', 'keys.changed'])
  })

  test.each([
    [{ name: 'a.b' }],
    [{ name: '' }],
    [{ name: 'x'.repeat(81) }],
    [{ name: '>' }],
    [{ publish: ['a..b'] }],
    [{ publish: ['>.a'] }],
    [{ publish: ['a b'] }],
    [{ subscribe: ['a\u0085b'] }],
    [{ subscribe: [''] }],
    [{ subscribe: [Array(17).fill('a').join('.')] }],
    [{ publish: Array(65).fill('a') }],
    [{ role: 'admin' as 'user' }],
    [{ hash: Buffer.from('short') }],
  ] as Partial<StoredKey>[][])('can not be like %j', async (wrong) => {
    const error = await storeKey(directly(database.sql), stored('refused', createKey(), wrong)).catch(
      (thrown) => thrown,
    )
    expect(error.code).toMatch(/^(22023|23514)$/)
  })

  test('can be neither read nor made by a role that may publish', async () => {
    await using role = await createRole(database)
    for (const statement of [
      'select * from sse.access_keys',
      `select sse.create_key('evil', sha256('x'))`,
      `select sse.revoke_key('billing')`,
      `select sse.announce_keys()`,
    ]) {
      expect(await role.sql.unsafe(statement).catch((error) => error.code)).toBe('42501')
    }
  })
})

describe('a server', () => {
  const CONFIGURED = 'configured.key.of-more-than-thirty-two-characters'
  const PUBLISH_KEYS = JSON.stringify([{ name: 'billing', key: CONFIGURED, publish: ['orders.>'] }])

  test('with PUBLISH_KEYS alone accepts these keys, also one that looks like a token, and no anonymous request', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { PUBLISH_KEYS })
    expect(await publish(instance.url, 'orders.1', CONFIGURED)).toEqual([201, undefined])
    expect(await publish(instance.url, 'chat.1', CONFIGURED)).toEqual([403, 'access.denied'])
    expect(await publish(instance.url, 'orders.1')).toEqual([401, 'auth.required'])
    expect(await publish(instance.url, 'orders.1', createKey())).toEqual([401, 'key.unknown'])
    expect(await publish(instance.url, 'orders.1', 'a.b.c')).toEqual([401, 'token.invalid'])
  })

  test('with a stored key alone is not anonymous, and may listen on all addresses', async () => {
    await using own = await createDatabase()
    const key = createKey()
    await expect(startInstance(own.url, { HOST: '0.0.0.0' })).rejects.toThrow('sse-update key create')
    await storeKey(directly(own.sql), stored('billing', key, { publish: ['orders.>'] }))
    await using instance = await startInstance(own.url, { HOST: '0.0.0.0' })
    expect(await publish(instance.url, 'orders.1', key)).toEqual([201, undefined])
    expect(await publish(instance.url, 'orders.1')).toEqual([401, 'auth.required'])
  })

  test('accepts a key that was created while it runs; when it is revoked, refuses it and ends its streams', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url, { PUBLISH_KEYS })
    const key = createKey()
    await storeKey(directly(own.sql), stored('later', key, { publish: ['a'], subscribe: ['a'] }))
    await until('the key is accepted', async () => (await publish(instance.url, 'a', key))[0] === 201, Boolean, 4000)
    const headers = { authorization: `Bearer ${key}` }
    const stream = await fetch(`${instance.url}/events?channel=a`, { headers })
    await revokeKey(directly(own.sql), 'later')
    expect(await stream.text()).toContain('"reason":"revoked"')
    expect(await publish(instance.url, 'a', key)).toEqual([401, 'key.unknown'])
  })

  test('without any key stays anonymous when one is created', async () => {
    await using own = await createDatabase()
    await using instance = await startInstance(own.url)
    await storeKey(directly(own.sql), stored('late', createKey()))
    expect(await publish(instance.url, 'a')).toEqual([201, undefined])
  })
})
