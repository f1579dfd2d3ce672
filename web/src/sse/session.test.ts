import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { openEventStream } from './event-stream.ts'
import type { EventStream, EventStreamOptions } from './event-stream-options.ts'
import type { StreamState } from './protocol.ts'
import { Session, sessionAddress } from './session.ts'
import { SharedStream } from './shared-stream.ts'
import { FakeEventSource, fakeBrowser, type Respond } from './testing/fake-browser.ts'

const HOUR = 3_600_000

let restore: () => void
let respond: Respond
/** Requests to the session, such as `POST Bearer token-1`. */
let requests: string[]
/** Numbers the tokens that were taken. */
let tokens: number
let name: string
let ends: (() => void)[]

const getToken = async () => `token-${++tokens}`
const granted = () => Response.json({ subject: 'alice', expiresAt: Date.now() + HOUR })
const refused = (detail: string) => Response.json({ detail }, { status: 401 })

beforeEach(() => {
  requests = []
  tokens = 0
  ends = []
  name = crypto.randomUUID()
  respond = granted
  restore = fakeBrowser((url, init) => {
    if (url.pathname === '/session') {
      const { method = 'GET', headers } = init
      requests.push(`${method} ${new Headers(headers).get('authorization') ?? 'cookie'}`)
      expect(init.credentials).toBe('include')
    }
    return respond(url, init)
  })
})
afterEach(() => {
  for (const end of ends) end()
  jest.useRealTimers()
  restore()
})

const settle = async () => {
  for (let count = 0; count < 50; count++) await Promise.resolve()
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 3000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 3 s')
    await Bun.sleep(2)
  }
}

describe('a stream with getToken', () => {
  let stream: EventStream
  let states: StreamState[]
  let positions: number[]
  const names = () => states.map((state) => state.name)

  /** Opens one of a browser with one tab: without locks, on fake time. */
  async function open(options: Partial<EventStreamOptions> = {}): Promise<void> {
    Reflect.deleteProperty(globalThis.navigator, 'locks')
    jest.useFakeTimers()
    states = []
    positions = []
    stream = openEventStream({
      channels: ['orders.>'],
      getToken,
      random: () => 0.5,
      onState: (state) => states.push(state),
      onEvent: ({ position }) => positions.push(position),
      ...options,
    })
    ends.push(() => stream.close())
    await settle()
  }

  test('begins a session before it connects, with the token in a header', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    respond = () => promise
    await open()
    expect([names(), FakeEventSource.opened.length]).toEqual([['signing in'], 0])
    expect(requests).toEqual(['POST Bearer token-1'])
    resolve(granted())
    await settle()
    FakeEventSource.newest.connects({ head: 1 })
    expect(names()).toEqual(['signing in', 'connecting', 'live'])
    expect(FakeEventSource.newest.url).not.toContain('token')
  })

  test('renews when its session ends soon, and continues on the same connection', async () => {
    await open()
    const source = FakeEventSource.newest
    source.connects({ head: 1 })
    source.isExpiring(Date.now() + 1000)
    await settle()
    source.brings(2)
    expect(requests).toEqual(['POST Bearer token-1', 'POST Bearer token-2'])
    expect([FakeEventSource.opened.length, source.isClosed, positions]).toEqual([1, false, [2]])
    expect([...new Set(names())]).toEqual(['signing in', 'connecting', 'live'])
  })

  test('attempts a renewal that fails again, later each time, while it receives events', async () => {
    await open()
    const source = FakeEventSource.newest
    source.connects({ head: 1 })
    respond = () => new Response(null, { status: 503 })
    source.isExpiring(Date.now() + HOUR)
    await settle()
    const waits: number[] = []
    for (let count = requests.length; waits.length < 3; count++) {
      let waited = 0
      for (; requests.length === count; waited += 100) {
        jest.advanceTimersByTime(100)
        source.beats(1)
        await settle()
      }
      waits.push(waited)
    }
    expect(waits).toEqual([500, 1000, 2000])
    respond = granted
    jest.advanceTimersByTime(2300)
    source.beats(1)
    jest.advanceTimersByTime(2300)
    await settle()
    const count = requests.length
    source.brings(2)
    jest.advanceTimersByTime(2000)
    await settle()
    expect([requests.length, FakeEventSource.opened.length, positions]).toEqual([count, 1, [2]])
  })

  test('begins another session when the server ends the stream because its session has expired', async () => {
    await open()
    FakeEventSource.newest.connects({ head: 3 })
    FakeEventSource.newest.isClosing('expired', 20, '4-a')
    expect(names().at(-1)).toBe('waiting')
    jest.advanceTimersByTime(20)
    await settle()
    expect(names().slice(-3)).toEqual(['waiting', 'signing in', 'connecting'])
    expect(requests).toHaveLength(2)
    expect(FakeEventSource.newest.query.get('lastEventId')).toBe('4-a')
  })

  test('keeps its session when the server ends the stream for another reason', async () => {
    await open()
    FakeEventSource.newest.connects({ head: 3 })
    FakeEventSource.newest.isClosing('drain', 20)
    jest.advanceTimersByTime(20)
    expect([names().at(-1), requests.length, FakeEventSource.opened.length]).toEqual(['connecting', 1, 2])
  })

  test('that gets 401 renews and connects at once, but only the first time', async () => {
    await open()
    respond = (url) => (url.pathname === '/session' ? granted() : refused('The token has expired.'))
    FakeEventSource.newest.fails()
    await settle()
    expect([requests.length, FakeEventSource.opened.length]).toEqual([2, 2])
    FakeEventSource.newest.fails()
    await settle()
    expect([names().at(-1), requests.length, FakeEventSource.opened.length]).toEqual(['waiting', 2, 2])
    jest.advanceTimersByTime(500)
    await settle()
    expect([requests.length, FakeEventSource.opened.length]).toEqual([3, 3])
    FakeEventSource.newest.fails()
    await settle()
    expect(states.at(-1)).toEqual({
      name: 'waiting',
      at: Date.now() + 1000,
      reason: expect.stringContaining('may not keep its cookie'),
    })
  })

  test('that gets 403 is refused, and its session is not renewed', async () => {
    await open()
    respond = () => Response.json({ detail: 'The grant does not allow it.' }, { status: 403 })
    FakeEventSource.newest.fails()
    await settle()
    expect([states.at(-1), requests.length]).toEqual([{ name: 'refused', reason: 'The grant does not allow it.' }, 1])
  })

  test('is refused, with the reason, when the server does not accept the token; and not attempted again', async () => {
    respond = () => refused('The token was revoked: get a new one.')
    await open()
    expect(states.at(-1)).toEqual({ name: 'refused', reason: 'The token was revoked: get a new one.' })
    jest.advanceTimersByTime(60_000)
    await settle()
    expect([requests.length, FakeEventSource.opened.length]).toEqual([1, 0])
    respond = granted
    stream.retry()
    await settle()
    expect([requests.length, FakeEventSource.opened.length]).toEqual([2, 1])
  })

  test('waits, longer each time, when the page gets no token', async () => {
    let count = 0
    await open({
      getToken: async () => {
        count++
        throw new Error('no network')
      },
    })
    expect([names(), count]).toEqual([['signing in', 'waiting'], 1])
    jest.advanceTimersByTime(500)
    await settle()
    jest.advanceTimersByTime(999)
    await settle()
    expect(count).toBe(2)
    jest.advanceTimersByTime(1)
    await settle()
    expect([count, FakeEventSource.opened.length]).toEqual([3, 0])
  })

  test('waits no shorter than the server says before it begins a session again', async () => {
    respond = () => new Response(null, { status: 429, headers: { 'retry-after': '7' } })
    await open()
    expect(states.at(-1)).toEqual({ name: 'waiting', at: Date.now() + 7500 })
  })

  test('waits no longer than a minute for a token', async () => {
    await open({ getToken: () => new Promise(() => {}) })
    jest.advanceTimersByTime(60_000)
    await settle()
    expect(names().at(-1)).toBe('waiting')
  })

  test('that was closed during the sign-in does not connect', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    respond = () => promise
    await open()
    stream.close()
    resolve(granted())
    await settle()
    expect([names().at(-1), FakeEventSource.opened.length]).toEqual(['closed', 0])
  })

  test('without it uses the cookie that is there', async () => {
    await open({ getToken: undefined })
    respond = () => refused('A token or key is required.')
    FakeEventSource.newest.fails()
    await settle()
    expect([states.at(-1)?.name, requests]).toEqual(['refused', []])
    stream.retry()
    expect(FakeEventSource.opened).toHaveLength(2)
  })
})

describe('the tabs of a browser', () => {
  const openTab = (get = getToken) => {
    const session = new Session({ getToken: get, url: '/session', name })
    ends.push(() => session.close())
    return session
  }

  test('renew one at a time, and once for all', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    respond = async () => {
      await promise
      return granted()
    }
    const [first, second] = [openTab(), openTab()]
    const renewals = [first.renew(), first.renew(), second.renew(), second.renew()]
    await until(() => requests.length > 0)
    resolve()
    await Promise.all(renewals)
    expect(requests.filter((request) => request.startsWith('POST'))).toEqual(['POST Bearer token-1'])
    expect([first.isCurrent, second.isCurrent]).toEqual([true, true])
  })

  test('receive the result of a renewal by another tab', async () => {
    const [first, second] = [openTab(), openTab()]
    let count = 0
    second.onRenewed(() => count++)
    await first.renew()
    await until(() => count === 1)
    expect([second.isCurrent, tokens]).toEqual([true, 1])
  })

  test('renew by themselves when the tab that renewed has found no token', async () => {
    const hold = Promise.withResolvers<string>()
    const [first, second] = [openTab(() => hold.promise), openTab()]
    respond = (_, { method }) => (method === 'POST' ? granted() : refused('no session'))
    const failure = first.renew().catch((error: Error) => error.message)
    const renewal = second.renew().catch((error: Error) => error.message)
    hold.reject(new Error('signed out'))
    expect(await failure).toBe('The page could not get a token: signed out.')
    expect([undefined, 'The page could not get a token: signed out.']).toContain((await renewal) ?? undefined)
    await second.renew()
    expect(second.isCurrent).toBe(true)
  })

  test('share one session and one connection, whose renewal keeps the connection', async () => {
    const tabs = [0, 1].map(() => new SharedStream({ name, getToken }))
    ends.push(() => {
      for (const tab of tabs) tab.close()
    })
    for (const tab of tabs) tab.follow({ channels: ['orders.>'], onEvent: () => {} })
    await until(() => FakeEventSource.opened.length === 1)
    FakeEventSource.newest.connects({ head: 1 })
    await until(() => tabs.every(({ state }) => state.name === 'live'))
    FakeEventSource.newest.isExpiring(Date.now() + 1000)
    await until(() => requests.length === 2)
    expect([tokens, FakeEventSource.opened.length]).toEqual([2, 1])
    // Another tab takes the connection over, with the session that is there.
    tabs.find(({ isLeader }) => isLeader)?.close()
    await until(() => FakeEventSource.opened.length === 2)
    expect(tokens).toBe(2)
  })

  test('of which one signs in after a refusal connect again', async () => {
    const tabs = [0, 1].map(() => new SharedStream({ name }))
    ends.push(() => {
      for (const tab of tabs) tab.close()
    })
    for (const tab of tabs) tab.follow({ channels: ['orders.>'], onEvent: () => {} })
    await until(() => FakeEventSource.opened.length === 1)
    respond = () => refused('A token or key is required.')
    FakeEventSource.newest.fails()
    await until(() => tabs.every(({ state }) => state.name === 'refused'))
    tabs.find(({ isLeader }) => !isLeader)?.retry()
    await until(() => FakeEventSource.opened.length === 2)
  })
})

test('a stream of another origin gets the cookies of that origin', async () => {
  Reflect.set(globalThis, 'location', new URL('https://app.example/page'))
  ends.push(() => Reflect.deleteProperty(globalThis, 'location'))
  const of = (url: string) => {
    const stream = openEventStream({ channels: ['a'], url })
    stream.close()
    return FakeEventSource.newest.init?.withCredentials
  }
  expect([of('/events'), of('https://app.example/events'), of('https://events.example/events')]).toEqual([
    false,
    false,
    true,
  ])
})

test('the session is beside the stream', () => {
  expect(sessionAddress('/events')).toBe('/session')
  expect(sessionAddress('https://events.example/live/events')).toBe('https://events.example/live/session')
})
