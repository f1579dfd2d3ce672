// What instances know of sessions that were ended when they could not see the event of it.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Runtime } from '../runtime.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream } from '../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET } from '../testing/tokens.ts'
import { sessionEnded } from './access-events.ts'
import { storeEndedSession } from './ended-session-store.ts'
import { hashSession } from './session-cookie.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
const settings = { JWT_SECRET: TOKEN_SECRET, LOG_LEVEL: 'silent' }
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, settings)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const EXPIRES_AT = Date.now() + 600_000

async function begin() {
  const response = await fetch(`${instance.url}/session`, { method: 'POST', headers: await bearer({ sub: 'alice' }) })
  const [cookie = ''] = (response.headers.getSetCookie()[0] ?? '').split(';')
  return { cookie, session: hashSession(/=([\w-]{22})\./.exec(cookie)?.[1] ?? '') }
}

const codeOf = async (url: string, cookie: string) =>
  ((await (await fetch(`${url}/session`, { headers: { cookie } })).json()) as { code?: string }).code

test('an instance that starts after a session was ended refuses its cookie', async () => {
  const [ended, kept] = [await begin(), await begin()]
  const headers = { cookie: ended.cookie, origin: instance.url }
  expect((await fetch(`${instance.url}/session`, { method: 'DELETE', headers })).status).toBe(204)
  await using later = await startInstance(database.url, settings)
  expect(await codeOf(later.url, ended.cookie)).toBe('token.revoked')
  expect(await codeOf(later.url, kept.cookie)).toBeUndefined()
})

test('an instance that missed the event of the end ends the streams of the session after the gap', async () => {
  const [ended, kept] = [await begin(), await begin()]
  await using stream = await openStream(instance.url, ['orders.alice.>'], { cookie: ended.cookie })
  await using other = await openStream(instance.url, ['orders.alice.>'], { cookie: kept.cookie })
  const { channel, type, data } = sessionEnded(ended.session, EXPIRES_AT)
  // The event is in the log, and its row is gone before anybody has read it.
  await database.sql.begin(async (sql) => {
    await storeEndedSession(directly(sql), { session: ended.session, subject: 'alice', expiresAt: EXPIRES_AT })
    await sql`select sse.append(${[channel]}, ${[type]}, ${[data]}::text[]::json[], ${[null]}::text[], null)`
    await sql`delete from sse.log where channel = ${channel} and data::text = ${data}`
  })
  await stream.ended
  expect(JSON.parse(stream.frames.at(-1)?.data ?? '')).toMatchObject({ reason: 'revoked' })
  await other.until(({ frames }) => frames.some(({ event }) => event === 'gap'))
  expect(other.frames.map(({ event }) => event)).not.toContain('closing')
  expect(await codeOf(instance.url, ended.cookie)).toBe('token.revoked')
})

test('of a subject, the last hundred ended sessions are stored, and those whose tokens have expired are deleted', async () => {
  const store = (subject: string, n: number, expiresAt = EXPIRES_AT) =>
    storeEndedSession(directly(database.sql), { session: hashSession(`${subject}-${n}`), subject, expiresAt })
  await store('expired', 1, Date.now() - 1000)
  await store('carol', 1)
  for (let n = 0; n < 120; n++) await store('mallory', n)
  const rows = await database.sql<{ subject: string; session: string }[]>`
    select subject, session from sse.ended_sessions where subject <> 'alice' order by ended_at`
  expect(rows.filter(({ subject }) => subject === 'mallory').map(({ session }) => session)).toEqual(
    Array.from({ length: 100 }, (_, index) => hashSession(`mallory-${index + 20}`)),
  )
  expect(rows.filter(({ subject }) => subject !== 'mallory').map(({ subject }) => subject)).toEqual(['carol'])
})
