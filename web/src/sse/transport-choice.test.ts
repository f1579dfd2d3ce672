import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { fakeBrowser } from './testing/fake-browser.ts'
import { TransportChoice } from './transport-choice.ts'

let restore: () => void
beforeEach(() => {
  restore = fakeBrowser()
})
afterEach(() => restore())

const MINUTE = 60_000

describe('auto', () => {
  test('begins with the event stream, which has five seconds to bring something', () => {
    const choice = new TransportChoice('auto', '/events')
    expect([choice.transport, choice.readyTimeout]).toEqual(['sse', 5000])
  })

  test('goes to long-polling after a silent or refused stream, and back when that fails, too', () => {
    for (const failing of ['silence', 'refusal'] as const) {
      const choice = new TransportChoice('auto', '/events')
      expect(choice.failed(failing)).toBe(true)
      expect([choice.transport, choice.readyTimeout]).toEqual(['poll', undefined])
      expect(choice.failed('other')).toBe(false)
      expect(choice.transport).toBe('sse')
    }
  })

  test('stays with the event stream while the server is unreachable', () => {
    const choice = new TransportChoice('auto', '/events')
    expect(choice.failed('other')).toBe(false)
    expect(choice.transport).toBe('sse')
  })

  test('stays with long-polling once that has worked, also after a reload of the page', () => {
    const choice = new TransportChoice('auto', '/events')
    choice.failed('silence')
    expect([choice.worked(1000), choice.worked(2000)]).toEqual([true, false])
    expect(choice.failed('silence')).toBe(false)
    expect(choice.transport).toBe('poll')
    const reloaded = new TransportChoice('auto', '/events')
    expect([reloaded.transport, reloaded.probeIn(1000)]).toEqual(['poll', MINUTE])
    expect(new TransportChoice('auto', '/other').transport).toBe('sse')
  })

  test('attempts the event stream after a minute, and each time after twice as long, up to 32 minutes', () => {
    const choice = new TransportChoice('auto', '/events')
    expect(choice.probeIn(0)).toBeUndefined()
    choice.failed('silence')
    choice.worked(0)
    const waits = Array.from({ length: 7 }, () => {
      const wait = choice.probeIn(0)
      choice.probed(false, 0)
      return Number(wait) / MINUTE
    })
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 32])
    choice.probed(true, 0)
    expect([choice.transport, choice.probeIn(0)]).toEqual(['sse', undefined])
    expect(new TransportChoice('auto', '/events').transport).toBe('sse')
  })

  test('works without storage, and with something else in it', () => {
    sessionStorage.setItem('sse-update transport /events', 'no JSON')
    expect(new TransportChoice('auto', '/events').transport).toBe('sse')
    sessionStorage.getItem = () => {
      throw new Error('denied')
    }
    expect(new TransportChoice('auto', '/events').transport).toBe('sse')
  })
})

test('a fixed transport is never changed', () => {
  for (const transport of ['sse', 'websocket', 'poll'] as const) {
    const choice = new TransportChoice(transport, '/events')
    expect([choice.failed('silence'), choice.worked(0)]).toEqual([false, false])
    expect([choice.transport, choice.readyTimeout, choice.probeIn(0)]).toEqual([transport, undefined, undefined])
  }
})
