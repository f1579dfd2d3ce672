import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { Broadcast } from './messages.ts'
import { Subscription } from './subscription.ts'
import { Subscriptions } from './subscriptions.ts'
import { fakeBrowser } from './testing/fake-browser.ts'

let restore: () => void
let all: Subscriptions
let got: string[]

beforeEach(() => {
  restore = fakeBrowser()
  all = new Subscriptions()
  got = []
})
afterEach(() => restore())

function add(name: string, channels: string, isPaused = false): Subscription {
  const subscription = new Subscription(
    {
      channels: channels.split(' '),
      onEvent: ({ position }) => got.push(`${name} ${position}`),
      onGap: ({ to }) => got.push(`${name} gap ${to}`),
    },
    '/events',
  )
  all.add(subscription, isPaused)
  return subscription
}
const event = (position: number, channel = 'orders.1'): Broadcast => ({
  kind: 'event',
  event: { position, channel, type: 't', data: null, time: '2026-11-21T10:00:00.000Z' },
  cursor: `${position}-a`,
})
const now = (cursor: string, channels = ['orders.>']): Broadcast => ({ kind: 'now', channels, cursor })

describe('the subscriptions of a tab', () => {
  test('join a connection that covers them, and receive what it brings', () => {
    const one = add('one', 'orders.>')
    add('two', 'orders.1')
    expect(all.receive(now('5-a'))).toBe(false)
    all.receive(event(6))
    all.receive({ kind: 'gap', gap: { from: 6, to: 9, reason: 'purged' }, cursor: '9-a' })
    all.receive({ kind: 'cursor', cursor: '12-a' })
    expect([got, one.cursor]).toEqual([['one 6', 'two 6', 'one gap 9', 'two gap 9'], '12-a'])
  })

  test('that a connection does not cover leave, which is reported', () => {
    const one = add('one', 'orders.>')
    const two = add('two', 'tasks.>')
    expect(all.receive(now('5-a', ['orders.>', 'tasks.>']))).toBe(false)
    expect(all.receive(now('5-a', ['orders.>']))).toBe(true)
    expect([one.isJoined, two.isJoined]).toEqual([true, false])
    // Events never make a connection lack anything.
    expect([all.receive(event(6)), got]).toEqual([false, ['one 6']])
  })

  test('with several channels need all of them', () => {
    const one = add('one', 'orders.> tasks.>')
    expect([all.receive(now('5-a', ['orders.>'])), one.isJoined]).toEqual([true, false])
    expect([all.receive(now('5-a', ['orders.>', 'tasks.>'])), one.isJoined]).toEqual([false, true])
    expect([all.receive(now('5-a', ['orders.>'])), one.isJoined]).toEqual([true, false])
  })

  test('follow the channels of all but the paused ones, without duplicates', () => {
    add('one', 'orders.>')
    add('two', 'orders.1')
    const three = add('three', 'tasks.>')
    add('four', 'broadcast', true)
    expect(all.channels).toEqual(['orders.>', 'tasks.>'])
    all.remove(three)
    expect(all.channels).toEqual(['orders.>'])
  })

  test('receive nothing while they are paused', () => {
    const one = add('one', 'orders.>')
    all.receive(now('5-a'))
    expect([all.pause(one, true), all.pause(one, true), one.isJoined]).toEqual([true, false, false])
    all.receive(now('5-a'))
    all.receive(event(6))
    expect([got, one.isJoined, all.channels]).toEqual([[], false, []])
    expect([all.pause(one, false), all.pause(one, false), all.channels]).toEqual([true, false, ['orders.>']])
  })

  test('that were removed while paused are not paused when they are added again', () => {
    const one = add('one', 'orders.>', true)
    all.remove(one)
    all.add(one, false)
    all.receive(now('5-a'))
    all.receive(event(6))
    expect(got).toEqual(['one 6'])
  })

  test('receive nothing after they were removed', () => {
    const one = add('one', 'orders.>')
    add('two', 'orders.>')
    all.receive(now('5-a'))
    all.remove(one)
    expect(one.isJoined).toBe(false)
    all.receive(event(6))
    expect(got).toEqual(['two 6'])
  })
})
