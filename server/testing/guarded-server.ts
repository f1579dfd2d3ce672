import { expect } from 'bun:test'
import { createDatabase, type TestDatabase } from './database.ts'
import { type Answer, storedBy } from './doors.ts'
import { type InstanceProcess, startProcess } from './instance.ts'
import { openStream, publish } from './stream-reader.ts'
import { until } from './until.ts'

/** A server with keys in a process of its own, watched by an operator who follows every channel. */
export interface GuardedServer extends AsyncDisposable {
  url: string
  database: TestDatabase
  process: InstanceProcess
  /** Fails when anything was published, created or delivered since the start or the last call. */
  expectUntouched(): Promise<void>
  /** Accepts what was published and created until now. */
  forget(): Promise<void>
  /** Fails when the log of the process holds one of the texts. */
  expectNotLogged(secrets: readonly string[]): void
}

/**
 * Starts a server that takes the client's address from `X-Forwarded-For`, runs no tasks and logs everything.
 *
 * @param operator a token of an operator who may read and publish everything
 */
export async function startGuarded(settings: Record<string, string>, operator: string): Promise<GuardedServer> {
  const database = await createDatabase()
  const process = await startProcess({
    DATABASE_URL: database.url,
    TRUSTED_PROXIES: '127.0.0.0/8',
    WORKER_CONCURRENCY: '0',
    LOG_LEVEL: 'debug',
    ...settings,
  })
  const headers = { authorization: `Bearer ${operator}` }
  const watcher = await openStream(process.url, ['>'], headers)
  let stored = await storedBy(database.sql)
  let marks = 0
  let seen = 0
  /** Publishes an event, and waits until the operator has received it: all before it has arrived, too. */
  const mark = async () => {
    const data = ++marks
    await publish(process.url, [{ channel: 'marks', type: 'mark', data }], headers)
    await watcher.until(({ events }) => events.some((event) => event.channel === 'marks' && event.data === data))
  }
  const settle = async () => {
    stored = await storedBy(database.sql)
    seen = watcher.events.length
  }
  return {
    url: process.url,
    database,
    process,
    async expectUntouched() {
      const before = stored
      const now = await storedBy(database.sql)
      await mark()
      const delivered = watcher.events.slice(seen).map(({ channel }) => channel)
      await settle()
      expect({ stored: now, delivered }).toEqual({ stored: before, delivered: ['marks'] })
    },
    async forget() {
      await until(
        'the outbox is empty',
        () => storedBy(database.sql),
        ({ outbox }) => outbox === 0,
      )
      await mark()
      await settle()
    },
    expectNotLogged(secrets) {
      expect(process.output).toContain('"level"')
      for (const secret of secrets) {
        expect(process.output.split('\n').filter((line) => line.includes(secret))).toEqual([])
      }
    },
    async [Symbol.asyncDispose]() {
      await watcher.close()
      await process[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Fails unless each request was refused with 401: with a stable code and a challenge, and without a cookie or a part of the token. */
export function expectRefused(answers: readonly Answer[], token: string, code = 'token.invalid'): void {
  expect(answers.length).toBeGreaterThan(0)
  // A cookie with another text is no session.
  const isInCookie = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)
  for (const { door, by, status, code: found, challenge, setCookie, text } of answers) {
    const expected = by === 'cookie' && !isInCookie ? 'auth.required' : code
    const seen = { door, by, status, code: door.startsWith('HEAD') ? expected : found, setCookie }
    expect(seen).toEqual({ door, by, status: 401, code: expected, setCookie: null })
    expect(challenge).toMatch(/^Bearer realm="sse-update"(?:, error="invalid_token")?$/)
    const parts = [token, ...token.split('.')].filter((part) => part.length > 8)
    expect(parts.filter((part) => text.includes(part))).toEqual([])
  }
}
