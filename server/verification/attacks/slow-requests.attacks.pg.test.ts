import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { createKey, hashKey } from '../../auth/key-ring.ts'
import { revokeKey, storeKey } from '../../auth/key-store.ts'
import { ask } from '../../testing/ask.ts'
import { createDatabase, directly, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { bearer, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'
import { sendUnfinished } from '../../testing/unfinished-request.ts'
import { until } from '../../testing/until.ts'

// Rights are checked before a body is read, and must hold until it is complete.

let database: TestDatabase
let instance: Awaited<ReturnType<typeof startInstance>>
beforeAll(async () => {
  database = await createDatabase()
  await storeKey(directly(database.sql), {
    name: 'first',
    hash: hashKey(createKey()),
    publish: [],
    subscribe: [],
    role: 'user',
  })
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, BODY_TIMEOUT_MS: '60000' })
})
afterAll(async () => {
  await instance?.stop()
  await database[Symbol.asyncDispose]()
})

const revoke = (subject: string) => database.sql`select sse.revoke('subject', ${subject})`
/** Milliseconds that a body takes that nothing ends. */
const LONG = 10_000

const BODIES: [what: string, route: string, contentType: string, start: string, drip: string][] = [
  ['an event', 'POST /events', 'application/json', '{"channel":"a","type":"t","data":"', 'x'.repeat(400)],
  ['an event as text', 'POST /events?channel=a', 'text/plain', 'x', 'x'.repeat(400)],
  ['an order', 'POST /api/orders', 'application/json', '{"customer":"', ' '.repeat(400)],
  ['a task', 'POST /api/tasks', 'application/json', '{"kind":"', ' '.repeat(200)],
  ['a notification', 'POST /api/notifications', 'application/json', '{"user":"', ' '.repeat(400)],
  ['an import', 'POST /api/orders/import', 'text/csv', 'customer,currency\n', '\n'.repeat(4096)],
]

/** Sends a body that does not end, does something when the server reads it, and waits for the response. */
async function interrupt(
  headers: Record<string, string>,
  what: () => unknown,
  [, route, contentType, start, drip]: (typeof BODIES)[number] = BODIES[0] as (typeof BODIES)[number],
) {
  const [method = '', path = ''] = route.split(' ')
  using request = sendUnfinished(`${instance.url}${path}`, { method, contentType, headers, start, drip })
  await request.sent
  await until('the body is read', async () => {
    const operator = await ask(instance.url, 'GET /metrics', { as: { sub: 'watcher', role: 'operator' } })
    return /open_bodies [1-9]/.test(operator.text)
  })
  await what()
  const timer = setTimeout(() => request[Symbol.dispose](), LONG)
  try {
    const { status, body } = await request.response
    return [status, (JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as { code: string }).code]
  } finally {
    clearTimeout(timer)
  }
}

describe('a request whose body arrives slowly ends', () => {
  test.each(BODIES)(
    'when the token is revoked: %s',
    async (...[what, route, type, start, drip]) => {
      const subject = what.replaceAll(' ', '-')
      const headers = await bearer({ sub: subject, role: 'operator' })
      expect(await interrupt(headers, () => revoke(subject), [what, route, type, start, drip])).toEqual([
        401,
        'token.revoked',
      ])
      expect((await database.sql`select id from sse.files`).length).toBe(0)
    },
    30_000,
  )

  test('when the token expires', async () => {
    const headers = await bearer({ sub: 'brief', role: 'operator' }, { ttl: 3 })
    expect(await interrupt(headers, () => {})).toEqual([401, 'token.expired'])
  }, 30_000)

  test('when the key is revoked', async () => {
    const db = directly(database.sql)
    const key = createKey()
    await storeKey(db, { name: 'slow', hash: hashKey(key), publish: ['>'], subscribe: [], role: 'user' })
    const headers = { authorization: `Bearer ${key}` }
    await until(
      'the key is accepted',
      async () => (await ask(instance.url, 'GET /session', { headers })).status === 200,
    )
    expect((await interrupt(headers, () => revokeKey(db, 'slow')))[0]).toBe(401)
  }, 30_000)

  test('when its session is ended', async () => {
    const begun = await ask(instance.url, 'POST /session', { as: { sub: 'dora', publish: ['a'] } })
    const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
    const headers = { cookie, origin: instance.url }
    const end = () => ask(instance.url, 'DELETE /session', { headers })
    expect(await interrupt(headers, end)).toEqual([401, 'token.revoked'])
  }, 30_000)
})

describe('a request of a session', () => {
  test('goes on beyond the end of its first token when the session is renewed', async () => {
    const first = await ask(instance.url, 'POST /session', {
      headers: await bearer({ sub: 'erin', publish: ['a'] }, { ttl: 3 }),
    })
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
    const expires = Date.parse(first.body.expiresAt)
    const { hostname, port, host } = new URL(instance.url)
    const socket = connect(Number(port), hostname)
    const body = '{"channel":"a","type":"t"}'
    socket.write(
      `POST /events HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${instance.url}\r\nCookie: ${cookie}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.slice(0, 5)}`,
    )
    const response = Promise.withResolvers<string>()
    socket.on('data', (bytes) => response.resolve(bytes.toString()))
    await ask(instance.url, 'POST /session', {
      headers: { ...(await bearer({ sub: 'erin', publish: ['a'] })), cookie },
    })
    await until('the first token has expired', () => Date.now() > expires + 500)
    socket.write(body.slice(5))
    expect(await response.promise).toStartWith('HTTP/1.1 201')
    socket.destroy()
  }, 30_000)
})

/** Bytes of the file: more than the buffers of a connection hold. */
const PARTS = 128
const PART = 512 * 1024

describe('a download that its client takes slowly', () => {
  test('is cut off when the token is revoked', async () => {
    const as = { sub: 'reader', role: 'operator' } as const
    const { body: task } = await ask(instance.url, 'POST /api/tasks', { as, body: { kind: 'report' } })
    await until(
      'the report is made',
      async () => (await ask(instance.url, `GET /api/tasks/${task.id}`, { as })).body.state === 'succeeded',
    )
    await database.sql`
      with file as (update sse.files set bytes = ${PARTS * PART} where task = ${task.id} and name = 'report.csv' returning id)
      insert into sse.file_parts (file, part, content)
      select id, part, convert_to(repeat('x', ${PART}), 'UTF8') from file, generate_series(0, ${PARTS - 1}) part
      on conflict (file, part) do update set content = excluded.content`
    const { hostname, port, host } = new URL(instance.url)
    const token = await tokenOf(as)
    const socket = connect(Number(port), hostname)
    const closed = Promise.withResolvers<void>()
    socket.on('close', () => closed.resolve())
    socket.on('error', () => {})
    socket.write(
      `GET /api/tasks/${task.id}/files/report.csv HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    )
    const first = Promise.withResolvers<string>()
    let received = 0
    socket.on('data', (bytes) => {
      received += bytes.length
      first.resolve(bytes.toString('latin1'))
      if (received === bytes.length) socket.pause()
    })
    expect(await first.promise).toStartWith('HTTP/1.1 200')
    await revoke('reader')
    const headers = { authorization: `Bearer ${token}` }
    await until(
      'the token is refused',
      async () => (await ask(instance.url, 'GET /session', { headers })).status === 401,
    )
    socket.resume()
    await closed.promise
    expect(received).toBeLessThan((PARTS * PART) / 2)
  }, 60_000)
})
