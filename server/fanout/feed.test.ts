import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { Page, ReadOptions } from '../log/read-page.ts'
import { createLogger } from '../platform/logger.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { Feed } from './feed.ts'

// The steps of the feed, page by page; with Postgres they are in verification/restore.pg.test.ts.

const event = (position: number, time = 0): LoggedEvent => ({
  position,
  channel: 'a',
  type: 't',
  data: '1',
  time: new Date(time),
  origin: null,
})

/** A page of epoch `e1` whose head is 5, the feed's position. */
const page = (more: Partial<Page> = {}): Page => ({
  events: [],
  cursor: 5,
  oldest: 1,
  head: 5,
  epoch: 'e1',
  isCurrent: true,
  sharedThrough: 5,
  timeAtCursor: null,
  ...more,
})

let pages: Page[]
let story: unknown[]
let done: PromiseWithResolvers<void>
let feed: Feed

beforeEach(() => {
  pages = []
  story = []
  done = Promise.withResolvers()
  feed = new Feed({
    log: {
      read({ after, epoch }: ReadOptions) {
        const next = pages.shift()
        if (next) story.push(`read ${after}-${epoch}`)
        else done.resolve()
        return next ? Promise.resolve(next) : new Promise(() => {})
      },
      renewEpoch: async () => void story.push('renewEpoch'),
      discardEpoch: async (epoch) => void story.push(`discardEpoch ${epoch}`),
    },
    position: 5,
    epoch: 'e1',
    deliver: async (events) => void story.push(`deliver ${events.map(({ position }) => position)}`),
    skip: async (head, reason, epoch) => void story.push(`skip ${head} ${reason} ${epoch}`),
    renew: (epoch, shared) => void story.push(`renew ${epoch} ${shared}`),
    onBounds: ({ epoch, head }) => void story.push(`bounds ${head}-${epoch}`),
    interval: 1,
    holePatience: 1,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
  })
})
afterEach(() => void feed.stop())

/** Lets the feed read these pages, and returns what it did. */
async function read(...given: Page[]): Promise<unknown[]> {
  pages = given
  feed.start()
  await done.promise
  return story
}

test('delivers what follows its position, and reads on from there', async () => {
  expect(await read(page({ events: [event(6), event(7)], head: 7 }), page({ head: 7 }))).toEqual([
    'read 5-e1',
    'bounds 7-e1',
    'deliver 6,7',
    'read 7-e1',
    'bounds 7-e1',
  ])
})

test('gives a log that runs elsewhere an epoch, and reads it again before anything else', async () => {
  const renewed = page({ epoch: 'e2', head: 6, events: [event(6)] })
  expect(await read(page({ isCurrent: false, head: 6, events: [event(6)] }), renewed)).toEqual([
    'read 5-e1',
    'renewEpoch',
    'read 5-e1',
    'renew e2 5',
    'bounds 6-e2',
    'deliver 6',
  ])
})

test('continues after the head of a log that does not share its position, in that epoch', async () => {
  const other = page({ epoch: 'e2', head: 3, sharedThrough: 3, gap: { from: 5, to: 3, reason: 'unknown' } })
  expect(await read(other, page({ epoch: 'e2', head: 3 }))).toEqual([
    'read 5-e1',
    'skip 3 unknown e2',
    'bounds 3-e2',
    'read 3-e2',
    'bounds 3-e2',
  ])
})

test('passes on what the epochs share before it skips what was purged', async () => {
  const purged = page({ epoch: 'e2', head: 9, oldest: 9, sharedThrough: 7, gap: { from: 5, to: 8, reason: 'purged' } })
  expect((await read(purged)).slice(0, 3)).toEqual(['read 5-e1', 'renew e2 7', 'skip 8 purged e2'])
})

test('discards the epoch of a log that ends before its position', async () => {
  const shorter = page({ head: 3, sharedThrough: 3, gap: { from: 5, to: 3, reason: 'unknown' } })
  expect(await read(shorter)).toEqual(['read 5-e1', 'discardEpoch e1'])
})

test('discards the epoch of a log that has another event at its position', async () => {
  const first = page({ events: [event(6, 1000)], head: 6 })
  const same = page({ head: 6, timeAtCursor: new Date(1000) })
  const other = page({ head: 6, timeAtCursor: new Date(2000) })
  expect((await read(first, same, other)).slice(3)).toEqual([
    'read 6-e1',
    'bounds 6-e1',
    'read 6-e1',
    'discardEpoch e1',
  ])
})

test.each([
  [1000, Number.NaN],
  [Number.NaN, 1000],
  [Number.NaN, Number.NaN],
])('discards no epoch over a time that can not be read (%p, %p)', async (delivered, found) => {
  const first = page({ events: [event(6, delivered)], head: 6 })
  const second = page({ head: 6, timeAtCursor: new Date(found) })
  expect((await read(first, second)).slice(3)).toEqual(['read 6-e1', 'bounds 6-e1'])
})

test('waits once for a hole, and then skips it', async () => {
  const hole = page({ head: 9, gap: { from: 5, to: 7, reason: 'lost' } })
  expect(await read(hole, hole)).toEqual(['read 5-e1', 'bounds 9-e1', 'read 5-e1', 'bounds 9-e1', 'skip 7 lost e1'])
})

test('reports the bounds of another epoch before it waits for a hole', async () => {
  const hole = page({ epoch: 'e2', head: 9, sharedThrough: 5, gap: { from: 5, to: 7, reason: 'lost' } })
  expect((await read(hole)).slice(0, 3)).toEqual(['read 5-e1', 'renew e2 5', 'bounds 9-e2'])
})
