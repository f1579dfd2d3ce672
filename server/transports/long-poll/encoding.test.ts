import { expect, test } from 'bun:test'
import { MARK, NOTHING, PAGE } from './encoding.ts'

const text = (chunk: Uint8Array) => new TextDecoder().decode(chunk)
const event = (position: number, data: string) => ({
  position,
  channel: 'a',
  type: 't',
  data,
  time: new Date('2026-11-21T10:00:00Z'),
  origin: null,
})

test('an event is one line of JSON, also when its data has line breaks', () => {
  const line = text(PAGE.event(event(42, '{\r\n "n": 1\n}'), 'k3f9'))
  expect(line).not.toMatch(/[\r\n]/)
  expect(JSON.parse(line)).toEqual({
    position: 42,
    channel: 'a',
    type: 't',
    data: { n: 1 },
    time: '2026-11-21T10:00:00.000Z',
  })
})

test('events are joined as the items of an array', () => {
  const chunk = PAGE.join([1, 2, 3].map((position) => PAGE.event(event(position, 'null'), 'k3f9')))
  expect(JSON.parse(`[${text(chunk)}]`).map(({ position }: { position: number }) => position)).toEqual([1, 2, 3])
  expect(chunk[0]).toBe(MARK.event)
})

test('one event is joined without a copy', () => {
  const only = PAGE.event(event(1, 'null'), 'k3f9')
  expect(PAGE.join([only])).toBe(only)
})

test('ready and warnings of expiry are no part of a page', () => {
  const ready = { connection: '1', instance: 'a', channels: ['a'], cursor: '1-a', oldest: 1, head: 1, resumed: true }
  expect(PAGE.ready({ ...ready, heartbeat: 1 }, 1, true)).toBe(NOTHING)
  expect(PAGE.authExpiring({ expiresAt: '2026-11-21T10:00:00Z' }, '1-a')).toBe(NOTHING)
})

test('gaps, heartbeats and closing have a mark of their own before their JSON', () => {
  const gap = { from: 1, to: 5, reason: 'purged' } as const
  const closing = { reason: 'drain', retry: 100 } as const
  expect(text(PAGE.gap(gap, '5-a'))).toBe(`G${JSON.stringify({ gap, cursor: '5-a' })}`)
  expect(text(PAGE.heartbeat('7-a', new Date()))).toBe('H{"cursor":"7-a"}')
  expect(text(PAGE.closing(closing, undefined))).toBe(`C${JSON.stringify({ closing })}`)
})
