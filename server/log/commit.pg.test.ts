import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createRandom } from '../platform/random.ts'
import type { NewEvent } from '../protocol/event.ts'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import type { Commit } from './commit.ts'
import { createLog } from './log.ts'

// What an append reports is delivered without a read: it must be what a read returns, to the last byte.

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const TEXTS = ['1', '{"a":  1,\n"a": 2}', '"\\u0000 \\ud800 \u2028 \\" \\\\"', '"é😀"', '12345678901234567890', ' [ ] ']

/** Batches of events, some of them with a key that others have, too. */
function createBatches(count: number): NewEvent[][] {
  const random = createRandom(7)
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(5) }, () => {
      const text = below(TEXTS.length)
      const isKeyed = random() < 0.4
      const key = isKeyed ? `${text}.${below(8)}` : null
      const origin = random() < 0.5 ? `page-${below(3)}` : null
      return { channel: `ü.${text}`, type: 't', data: TEXTS[text] as string, origin, key }
    }),
  )
}

/** A log that keeps what its appends report. */
function createObservedLog() {
  const appends: Promise<Commit | undefined>[] = []
  const log = createLog(directly(database.sql), undefined, undefined, (append) => appends.push(append))
  return { log, commits: async () => (await Promise.all(appends)).filter((commit) => commit !== undefined) }
}

test('what appends report, with and without keys, is what the log holds, after the event that they name', async () => {
  const { log, commits } = createObservedLog()
  await Promise.all(createBatches(200).map((batch) => log.append(batch)))
  const { events, head, epoch } = await log.read({ after: 0, limit: 2000 })
  expect(events).toHaveLength(head)
  const reported = await commits()
  expect(reported.length).toBeGreaterThan(100)
  for (const { position, timeBefore, epoch: reportedEpoch, events: own } of reported) {
    expect(own.length).toBeGreaterThan(0)
    expect(events.slice(position, position + own.length)).toMatchObject([...own])
    expect(timeBefore).toEqual(events[position - 1]?.time ?? null)
    expect(reportedEpoch).toBe(epoch)
  }
  const unkeyed = createBatches(1).flatMap((batch) => batch.map((event) => ({ ...event, key: null })))
  await log.append(unkeyed)
  expect((await commits()).at(-1)).toMatchObject({ position: head })
})

test('an append to a log that was restored reports the epoch that it starts', async () => {
  const { log, commits } = createObservedLog()
  const { epoch } = await log.bounds()
  await database.sql`update sse.head set incarnation = 'of another server'`
  await log.append([{ channel: 'a', type: 't', data: '1', origin: null, key: null }])
  const [commit] = await commits()
  expect(commit?.epoch).toBe((await log.bounds()).epoch)
  expect(commit?.epoch).not.toBe(epoch)
})

test('an append that fails reports its failure, and its caller gets it', async () => {
  const { log, commits } = createObservedLog()
  const append = log.append([{ channel: 'a', type: 't', data: 'no JSON', origin: null, key: null }])
  const outcomes = await Promise.allSettled([append, commits()])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
