import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { Commit } from '../log/commit.ts'
import type { Page, ReadOptions } from '../log/read-page.ts'
import { createLogger } from '../platform/logger.ts'
import { MINUTE } from '../platform/time.ts'
import type { LoggedEvent } from '../protocol/event.ts'
import { until } from '../testing/until.ts'
import { Feed } from './feed.ts'

// What an instance has committed itself reaches the streams without a read, and only where a read would return the same.

const event = (position: number, time: number): LoggedEvent => ({
  position,
  channel: 'a',
  type: 't',
  data: '1',
  time: new Date(time),
  origin: null,
})

/** A page of epoch `e1` that ends at the head. */
const page = (...events: LoggedEvent[]): Page => {
  const head = events.at(-1)?.position ?? 6
  return {
    events,
    cursor: head,
    oldest: 1,
    head,
    epoch: 'e1',
    isCurrent: true,
    sharedThrough: head,
    timeAtCursor: null,
  }
}

/** A commit of epoch `e1` after the event at 6, which entered the log at 1000. */
const commit = (more: Partial<Commit> = {}): Commit => ({
  position: 6,
  timeBefore: new Date(1000),
  epoch: 'e1',
  events: [event(7, 2000), event(8, 2000)],
  ...more,
})

let pages: Page[]
let story: string[]
let feed: Feed

/** Starts a feed that has delivered the event at 6. */
async function start(interval: number): Promise<void> {
  pages = [page(event(6, 1000))]
  story = []
  feed = new Feed({
    log: {
      async read({ after }: ReadOptions) {
        story.push(`read ${after}`)
        return pages.shift() ?? page()
      },
      renewEpoch: async () => {},
      discardEpoch: async () => {},
    },
    position: 5,
    epoch: 'e1',
    deliver: async (events) => void story.push(`deliver ${events.map(({ position }) => position)}`),
    skip: async (head) => void story.push(`skip to ${head}`),
    renew: () => {},
    onBounds: ({ head, oldest }) => void story.push(`bounds ${oldest}-${head}`),
    interval,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
  })
  feed.start()
  await reaches(6)
  story = []
}

const reaches = (position: number) => until(`the feed is at ${position}`, () => feed.position === position)

describe('a commit of the instance', () => {
  beforeEach(() => start(MINUTE))
  afterEach(() => void feed.stop())

  test('is delivered without a read, with the bounds that it makes', async () => {
    feed.take(Promise.resolve(commit()))
    await reaches(8)
    feed.take(Promise.resolve(commit({ position: 8, timeBefore: new Date(2000), events: [event(9, 3000)] })))
    await reaches(9)
    expect(story).toEqual(['bounds 1-8', 'deliver 7,8', 'bounds 1-9', 'deliver 9'])
  })

  test.each<[string, Partial<Commit>]>([
    ['it does not follow the position', { position: 7, events: [event(8, 2000)] }],
    ['it overlaps what was delivered', { position: 5, events: [event(6, 1000), event(7, 2000), event(8, 2000)] }],
    ['it has another epoch', { epoch: 'e2' }],
    ['the log has another event at the position', { timeBefore: new Date(999) }],
    ['the log has no event at the position', { timeBefore: null }],
    ['the time of the event before can not be read', { timeBefore: new Date(Number.NaN) }],
  ])('is read when %s', async (_, more) => {
    pages = [page(event(7, 2000), event(8, 2000))]
    feed.take(Promise.resolve(commit(more)))
    await reaches(8)
    expect(story).toEqual(['read 6', 'bounds 1-8', 'deliver 7,8'])
  })

  test('is delivered once when its notification comes before the response, and again', async () => {
    const append = Promise.withResolvers<Commit>()
    feed.take(append.promise)
    feed.wake(8)
    append.resolve(commit())
    feed.wake(8)
    await reaches(8)
    feed.wake(8)
    feed.take(Promise.resolve(commit({ position: 8, timeBefore: new Date(2000), events: [event(9, 3000)] })))
    await reaches(9)
    expect(story).toEqual(['bounds 1-8', 'deliver 7,8', 'bounds 1-9', 'deliver 9'])
  })

  test('is not delivered again when it was read before the response came', async () => {
    pages = [page(event(7, 2000), event(8, 2000))]
    const append = Promise.withResolvers<Commit>()
    feed.take(append.promise)
    feed.wake(8)
    await reaches(8)
    append.resolve(commit())
    feed.take(Promise.resolve(commit({ position: 8, timeBefore: new Date(2000), events: [event(9, 3000)] })))
    await reaches(9)
    expect(story).toEqual(['read 6', 'bounds 1-8', 'deliver 7,8', 'bounds 1-9', 'deliver 9'])
  })

  test('holds nothing up while it gets no response: what a notification announces is read', async () => {
    pages = [page(event(7, 2000))]
    feed.take(new Promise(() => {}))
    feed.wake(7)
    await reaches(7)
    expect(story).toEqual(['read 6', 'bounds 1-7', 'deliver 7'])
  })

  test('that fails has no effect', async () => {
    feed.take(Promise.reject(new Error('refused')))
    feed.take(Promise.resolve(commit()))
    await reaches(8)
    expect(story).toEqual(['bounds 1-8', 'deliver 7,8'])
  })

  test('is read with the others when more come than the feed keeps', async () => {
    const events = Array.from({ length: 40 }, (_, index) => event(7 + index, 2000))
    pages = [page(...events)]
    for (const own of events.slice(1)) feed.take(Promise.resolve(commit({ position: own.position - 1, events: [own] })))
    await reaches(46)
    expect(story.filter((step) => step.startsWith('read'))).toEqual(['read 6'])
    expect(story.at(-1)).toBe(`deliver ${events.map(({ position }) => position)}`)
  })

  test('of a log that was replaced does not keep the feed from following the notifications of the new log', async () => {
    feed.take(Promise.resolve(commit()))
    await reaches(8)
    const another = { epoch: 'e2', oldest: 1, sharedThrough: null }
    pages = [{ ...page(), ...another, head: 3, gap: { from: 8, to: 3, reason: 'unknown' } }]
    feed.wake(9)
    await reaches(3)
    story = []
    pages = [{ ...page(event(4, 3000)), ...another }]
    feed.wake(4)
    await reaches(4)
    expect(story).toEqual(['read 3', 'bounds 1-4', 'deliver 4'])
  })

  test.each([Number.NaN, -1, 0, 6])('a notification of %p wakes nothing', async (head) => {
    feed.wake(head)
    feed.take(Promise.resolve(commit()))
    await reaches(8)
    expect(story).toEqual(['bounds 1-8', 'deliver 7,8'])
  })
})

test('the log is read at its interval, although commits keep coming', async () => {
  await start(20)
  const count = (step: string) => story.filter((done) => done.startsWith(step)).length
  let last = 6
  while (count('read') < 3 || count('deliver') <= count('read')) {
    feed.take(Promise.resolve(commit({ position: last, timeBefore: new Date(1000), events: [event(++last, 1000)] })))
    await Bun.sleep(1)
  }
  const delivered = story
    .filter((step) => step.startsWith('deliver'))
    .map((step) => Number(step.slice('deliver '.length)))
  expect(delivered).toEqual(Array.from({ length: delivered.length }, (_, index) => 7 + index))
  await feed.stop()
})
