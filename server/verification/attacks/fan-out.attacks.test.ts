// Many streams on one channel.

import { expect, test } from 'bun:test'
import { createInProcessHub } from '../../testing/in-process-hub.ts'

const event = (position: number, data = String(position)) => ({
  position,
  channel: 'a',
  type: 't',
  data,
  time: new Date(0),
  origin: null,
})

test('one event for 10,000 streams is written over many event-loop turns, and the next event waits until it is written', async () => {
  const { hub, open } = createInProcessHub()
  const count = 10_000
  const got = Array.from({ length: count }, () => '')
  let frames = 0
  const all = Promise.withResolvers<void>()
  const opened = got.map((_, index) =>
    open((text) => {
      for (const [, id] of text.matchAll(/^event: t\n.*\nid: (\d+)-e1$/gm)) {
        got[index] += `${id} `
        if (++frames === 2 * count) all.resolve()
      }
    }),
  )
  await Promise.all(opened)
  let most = 0
  let before = 0
  const turns = setInterval(() => {
    most = Math.max(most, frames - before)
    before = frames
  }, 0)
  void hub.deliver([event(1)])
  void hub.deliver([event(2)])
  await all.promise
  clearInterval(turns)
  hub.stop()
  expect(new Set(got)).toEqual(new Set(['1 2 ']))
  expect(Math.max(most, 2 * count - before)).toBeLessThan(5000)
})

test('one event of 60 KB for 1,000 streams is written over several event-loop turns', async () => {
  const { hub, open } = createInProcessHub()
  const count = 1000
  let frames = 0
  const all = Promise.withResolvers<void>()
  const opened = Array.from({ length: count }, () =>
    open((text) => {
      if (text.startsWith('event: t\n') && ++frames === count) all.resolve()
    }),
  )
  await Promise.all(opened)
  let most = 0
  let before = 0
  const turns = setInterval(() => {
    most = Math.max(most, frames - before)
    before = frames
  }, 0)
  void hub.deliver([event(1, JSON.stringify('x'.repeat(60_000)))])
  await all.promise
  clearInterval(turns)
  hub.stop()
  expect(Math.max(most, count - before)).toBeLessThan(count)
})
