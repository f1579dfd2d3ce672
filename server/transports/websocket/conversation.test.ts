import { beforeEach, describe, expect, test } from 'bun:test'
import type { Grant } from '../../auth/grant.ts'
import { AppError } from '../../platform/errors.ts'
import { advance, settle, useFakeTime } from '../../testing/fake-time.ts'
import { Conversation, type ConversationOptions } from './conversation.ts'

useFakeTime()

const GRANT: Grant = {
  subject: 'alice',
  user: 'alice',
  subscribe: ['>'],
  publish: [],
  role: 'user',
  tokenId: null,
  issuedAt: null,
  expiresAt: null,
}

/** What the conversation did, in order. */
let log: unknown[]
let hasRoom: boolean
let renewal: PromiseWithResolvers<void>
let isClosed: boolean
let charge: (patterns: number) => void
let conversation: Conversation

beforeEach(() => {
  log = []
  hasRoom = true
  isClosed = false
  charge = () => {}
  renewal = Promise.withResolvers()
  conversation = new Conversation({
    patterns: ['a'],
    charge: (patterns: number) => charge(patterns),
    onFlood: () => log.push(['flood']),
    hub: {
      turn: () => undefined,
      move(_: unknown, { patterns }: { patterns: readonly string[] }) {
        if (hasRoom) log.push(['move', ...patterns])
        return hasRoom
      },
    },
    cursor: {
      get isClosed() {
        return isClosed
      },
      resumption: '5-e1',
      fail: (error: unknown) => log.push(['fail', error]),
    },
    lease: {
      grant: GRANT,
      follow: (patterns: string[]) => log.push(['follow', ...patterns]),
      renew: () => renewal.promise,
    },
    sink: {
      answer(text: string) {
        const { event, data } = JSON.parse(text)
        log.push([event, data.code ?? data.channels ?? data.expiresAt])
      },
      end: (name: string) => log.push(['end', name]),
    },
  } as unknown as ConversationOptions)
})

const send = (message: unknown) => conversation.receive(JSON.stringify(message))

describe('a change of channels', () => {
  test('is answered right after the move, before anything else can be written', async () => {
    send({ subscribe: ['b'] })
    await settle()
    expect(log).toEqual([
      ['move', 'a', 'b'],
      ['follow', 'a', 'b'],
      ['subscribed', ['a', 'b']],
    ])
  })

  test('that finds no room in the index changes nothing', async () => {
    hasRoom = false
    send({ subscribe: ['b'] })
    await settle()
    expect(log).toEqual([['error', 'subscription.full']])
    hasRoom = true
    send({ subscribe: ['c'] })
    await settle()
    expect(log[1]).toEqual(['move', 'a', 'c'])
  })

  test('counts all patterns of the stream and the message against a rate, and changes nothing beyond it', async () => {
    let charged = 0
    charge = (patterns) => {
      charged = patterns
      throw new AppError('subscription.too_fast', 'Too fast.', { status: 429 })
    }
    send({ subscribe: ['b', 'c'], unsubscribe: ['a'] })
    await settle()
    expect(charged).toBe(4)
    expect(log).toEqual([['error', 'subscription.too_fast']])
  })

  test('is not carried out for a stream that has ended', async () => {
    isClosed = true
    send({ subscribe: ['b'] })
    await settle()
    expect(log).toEqual([])
  })
})

describe('a renewal', () => {
  test('holds back the messages after it until it is decided', async () => {
    send({ token: 'x' })
    send({ subscribe: ['b'] })
    await settle()
    expect(log).toEqual([])
    renewal.resolve()
    await settle()
    expect((log as [string][]).map(([name]) => name)).toEqual(['renewed', 'move', 'follow', 'subscribed'])
  })

  test('that fails for a fault of the server ends the stream', async () => {
    const error = new TypeError('broken')
    send({ token: 'x' })
    renewal.reject(error)
    await settle()
    expect(log).toEqual([['fail', error]])
  })
})

describe('the rate of messages', () => {
  test('may be 32 at once, and 4 per second after that', async () => {
    for (let n = 0; n < 32; n++) send({ subscribe: ['b'] })
    await settle()
    await advance(1000)
    for (let n = 0; n < 3; n++) conversation.pinged()
    send({ subscribe: ['b'] })
    await settle()
    expect(log).not.toContainEqual(['end', 'flood'])
    send({ subscribe: ['b'] })
    expect(log.at(-1)).toEqual(['end', 'flood'])
  })

  test('bounds those that wait for an answer too', async () => {
    send({ token: 'x' })
    for (let n = 0; n < 31; n++) send({ subscribe: ['b'] })
    await advance(10_000)
    expect(log).toEqual([])
    for (let n = 0; n < 2; n++) send({ subscribe: ['b'] })
    expect(log.slice(-2)).toEqual([['flood'], ['end', 'flood']])
  })
})

test('a binary message ends the WebSocket', () => {
  conversation.receive(Buffer.from('{}'))
  expect(log).toEqual([['end', 'unsupported']])
})
