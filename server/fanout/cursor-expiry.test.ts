// When a cursor warns its client that the token expires, with replays and a sink whose every step the test decides.

import { expect, test } from 'bun:test'
import { SSE } from '../transports/sse/encoding.ts'
import { Cursor } from './cursor.ts'
import type { ReplayStep } from './replay.ts'
import { createSelection } from './selection.ts'

const AT = Date.UTC(2026, 10, 21, 10)
const encode = (text: string) => new TextEncoder().encode(text)
const settle = () => Bun.sleep(0)

/** A cursor that has received everything up to 5, and was resumed once. */
async function create({ head = 5 } = {}) {
  const log = {
    head,
    wantsMore: true,
    written: [] as string[],
    last: '',
    steps: [] as PromiseWithResolvers<ReplayStep>[],
  }
  const cursor = new Cursor({
    id: '7',
    clientId: null,
    sink: {
      get wantsMore() {
        return log.wantsMore
      },
      write: (chunk) => log.written.push(new TextDecoder().decode(chunk)),
      close: (last) => {
        log.last = last ? new TextDecoder().decode(last) : ''
      },
    },
    selection: createSelection(['a']),
    encoding: SSE,
    start: 5,
    ready: {
      connection: '7',
      instance: 'i',
      channels: [],
      cursor: '5-e1',
      oldest: 1,
      head,
      resumed: true,
      heartbeat: 1,
    },
    gap: undefined,
    retry: 100,
    heartbeat: 1000,
    stallTimeout: 0,
    served: () => log.head,
    epoch: () => 'e1',
    turn: () => undefined,
    replay: () => {
      const step = Promise.withResolvers<ReplayStep>()
      log.steps.push(step)
      return step.promise
    },
    onReplayed() {},
    onAhead() {},
    onClose() {},
    onError(error) {
      throw error
    },
  })
  void cursor.resume()
  await settle()
  log.written.length = 0
  return { cursor, log }
}

const warning = (position: number) =>
  `event: auth-expiring\ndata: {"expiresAt":"2026-11-21T10:00:00.000Z"}\nid: ${position}-e1\n\n`

test('a live stream is warned at once, with its cursor', async () => {
  const { cursor, log } = await create()
  cursor.warnOfExpiry(AT)
  expect(log.written).toEqual([warning(5)])
})

test('a live stream whose sink is busy is warned when the sink wants more, once', async () => {
  const { cursor, log } = await create()
  log.wantsMore = false
  cursor.warnOfExpiry(AT)
  expect(log.written).toEqual([])
  log.wantsMore = true
  await cursor.resume()
  await cursor.resume()
  expect(log.written).toEqual([warning(5)])
})

test('between an event that is announced and its chunk, the warning has the position before the event', async () => {
  const { cursor, log } = await create()
  cursor.expect(5)
  log.head = 6
  cursor.warnOfExpiry(AT)
  cursor.offer(encode('6;'))
  expect(log.written).toEqual([warning(5), '6;'])
})

test('a stream that is reading is warned after what it reads, and before what follows', async () => {
  const { cursor, log } = await create({ head: 9 })
  cursor.warnOfExpiry(AT)
  expect(log.written).toEqual([])
  log.steps[0]?.resolve({ chunk: encode('6,7;'), events: 2, cursor: 7 })
  await settle()
  expect(log.written).toEqual(['6,7;', warning(7)])
  expect(log.steps).toHaveLength(2)
})

test('a stream that is ahead of this instance is warned with its own position', async () => {
  const { cursor, log } = await create({ head: 3 })
  cursor.warnOfExpiry(AT)
  await settle()
  expect(log.written).toEqual([warning(5)])
})

test('a gap comes before the warning, whose position is behind it', async () => {
  const { cursor, log } = await create()
  log.wantsMore = false
  cursor.warnOfExpiry(AT)
  log.head = 20
  cursor.jump({ from: 5, to: 20, reason: 'purged' })
  expect(log.written).toEqual([])
  log.wantsMore = true
  await cursor.resume()
  expect(log.written).toHaveLength(2)
  expect(log.written[0]).toContain('event: gap')
  expect(log.written[1]).toBe(warning(20))
})

test('a warning that was not written yet is dropped when the token is renewed', async () => {
  const { cursor, log } = await create()
  log.wantsMore = false
  cursor.warnOfExpiry(AT)
  cursor.warnOfExpiry(undefined)
  log.wantsMore = true
  await cursor.resume()
  expect(log.written).toEqual([])
})

test.each(['expired', 'revoked'] as const)(
  'a stream that is closed as %s is sent its cursor, and no warning after it',
  async (reason) => {
    const { cursor, log } = await create()
    cursor.close(reason, 900)
    cursor.warnOfExpiry(AT)
    await cursor.resume()
    expect(log.written).toEqual([])
    expect(log.last).toBe(`event: closing\ndata: {"reason":"${reason}","retry":900}\nretry: 900\nid: 5-e1\n\n`)
  },
)
