import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Publications } from '../../../server/protocol/ledger.ts'
import { Publisher, type Trouble } from './publisher.ts'

const { fetch } = globalThis
let publications: Publications
let publisher: Publisher
let requests: { key: string | undefined; numbers: number[] }[]
let failures: (Response | Error)[]
let troubles: (Trouble | undefined)[]

beforeEach(() => {
  publications = new Publications()
  requests = []
  failures = []
  troubles = []
  let position = 0
  globalThis.fetch = (async (_: string, init: RequestInit) => {
    const events = JSON.parse(String(init.body)) as { data: { n: number } }[]
    const key = (init.headers as Record<string, string>)['idempotency-key']
    requests.push({ key, numbers: events.map(({ data }) => data.n) })
    const failure = failures.shift()
    if (failure instanceof Error) throw failure
    return failure ?? Response.json({ positions: events.map(() => ++position) })
  }) as unknown as typeof globalThis.fetch
  publisher = new Publisher({
    channel: 'compare.x',
    publications,
    onTrouble: (trouble) => troubles.push(trouble),
    onPublished: () => {},
  })
})
afterEach(() => {
  publisher.close()
  globalThis.fetch = fetch
})

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(2)
}

describe('the publisher', () => {
  test('publishes a burst in several requests, each number once and in order', async () => {
    publisher.burst(120)
    expect(publisher.left).toBe(120)
    await until(() => publisher.left === 0)
    expect(requests.map(({ numbers }) => numbers.length)).toEqual([50, 50, 20])
    expect(requests.flatMap(({ numbers }) => numbers)).toEqual(Array.from({ length: 120 }, (_, n) => n))
    expect(publications.acknowledged).toBe(120)
  })

  test('publishes at a steady rate', async () => {
    publisher.rate = 1000
    await until(() => publications.acknowledged >= 200)
    publisher.rate = 0
    expect(publications.sent).toBeGreaterThanOrEqual(200)
  })

  test('sends a request without a response again, under the same key', async () => {
    failures = [new Error('unreachable'), new Response('', { status: 503 })]
    publisher.burst(1)
    await until(() => publisher.left === 0)
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1)
    expect(requests.map(({ numbers }) => numbers)).toEqual([[0], [0], [0]])
    expect(troubles.map((trouble) => trouble?.kind)).toEqual(['unreachable', 'unreachable', undefined])
  })

  test('waits where the server limits it, and says why', async () => {
    failures = [Response.json({ detail: 'Too fast.' }, { status: 429, headers: { 'retry-after': '0' } })]
    publisher.burst(1)
    await until(() => publisher.left === 0)
    expect(troubles).toEqual([{ kind: 'limited', text: 'Too fast.' }, undefined])
  })

  test('stops where the server refuses', async () => {
    failures = [Response.json({ detail: 'You may not.' }, { status: 403 })]
    publisher.burst(80)
    await until(() => troubles.length > 0)
    expect(troubles).toEqual([{ kind: 'refused', text: 'You may not.' }])
    await Bun.sleep(20)
    expect([requests.length, publications.acknowledged]).toEqual([1, 0])
  })

  test('publishes nothing after it was closed', async () => {
    publisher.close()
    publisher.burst(1)
    await Bun.sleep(20)
    expect(requests).toEqual([])
  })
})
