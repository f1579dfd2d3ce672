import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import type { ConnectionHandlers } from '../sse/connection.ts'
import { POLL_INTERVAL } from './kinds.ts'
import { openPlainPolling } from './plain-polling.ts'

const { fetch } = globalThis
const request = { url: '/events', channels: ['a'], clientId: undefined, cursor: '5-e' }
let urls: string[]
let responses: (Response | undefined)[]
let calls: unknown[][]

beforeEach(() => {
  jest.useFakeTimers()
  urls = []
  calls = []
  responses = []
  globalThis.fetch = (async (url: string) => {
    urls.push(url)
    const response = responses.shift()
    if (!response) throw new TypeError('unreachable')
    return response
  }) as unknown as typeof globalThis.fetch
})
afterEach(() => {
  jest.useRealTimers()
  globalThis.fetch = fetch
})

const page = (more: object = {}) =>
  Response.json({ events: [], cursor: '5-e', more: false, oldest: 1, head: 5, ...more })
const event = (position: number) => ({ position, channel: 'a', type: 't', data: position, time: '' })
const settle = async () => {
  for (let count = 0; count < 20; count++) await Promise.resolve()
}
const open = () =>
  openPlainPolling(
    request,
    new Proxy({} as ConnectionHandlers, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          calls.push([name, ...args]),
    }),
  )
const named = (name: string) => calls.filter(([call]) => call === name)

describe('plain polling', () => {
  test('asks at once, then every two seconds, after the cursor of the last page', async () => {
    responses = [page({ events: [event(6)], cursor: '6-e', head: 6 }), page({ cursor: '6-e' })]
    open()
    await settle()
    expect(named('onReady')).toEqual([['onReady', { heartbeat: 4000, head: 6, instance: '', cursor: '5-e' }, '5-e']])
    expect(named('onEvent')).toEqual([['onEvent', { channel: 'a', type: 't', data: 6, time: '' }, '6-e']])
    expect(urls).toEqual(['/events?channel=a&after=5-e&limit=1000'])
    jest.advanceTimersByTime(POLL_INTERVAL - 1)
    expect(urls).toHaveLength(1)
    jest.advanceTimersByTime(1)
    await settle()
    expect(urls[1]).toBe('/events?channel=a&after=6-e&limit=1000')
    expect([named('onReady').length, named('onHeartbeat').length]).toEqual([1, 2])
  })

  test('reads on without waiting while there is another page', async () => {
    responses = [page({ events: [event(6)], cursor: '6-e', more: true }), page({ cursor: '7-e' })]
    open()
    await settle()
    jest.advanceTimersByTime(0)
    await settle()
    expect(urls).toHaveLength(2)
  })

  test('announces a gap before the events behind it', async () => {
    const gap = { from: 5, to: 8, reason: 'purged' }
    responses = [page({ gap, events: [event(9)], cursor: '9-e' })]
    open()
    await settle()
    expect(calls.map(([name]) => name)).toEqual(['onReady', 'onGap', 'onEvent', 'onHeartbeat'])
    expect([named('onReady')[0]?.[2], named('onGap')[0]?.[2]]).toEqual(['', '8-e'])
  })

  test('ends when the server is unreachable, refuses, or responds with something else', async () => {
    responses = [undefined]
    open()
    await settle()
    responses = [Response.json({ code: 'access.denied', detail: 'No.' }, { status: 403 })]
    open()
    await settle()
    responses = [new Response('<html>')]
    open()
    await settle()
    expect(named('onEnd').map(([, end]) => end)).toEqual([
      'closed',
      { verdict: 'refused', reason: 'No.', status: 403, isServers: true },
      'closed',
    ])
  })

  test('asks no more after it was closed', async () => {
    responses = [page(), page()]
    const connection = open()
    await settle()
    connection.close()
    jest.advanceTimersByTime(10 * POLL_INTERVAL)
    await settle()
    expect(urls).toHaveLength(1)
  })
})
