import { beforeEach, describe, expect, test } from 'bun:test'
import { SILENT } from '../telemetry/telemetry.ts'
import { SSE, UNNAMED_SSE } from '../transports/sse/encoding.ts'
import { Audience } from './audience.ts'
import type { Cursor } from './cursor.ts'
import { RecentEvents } from './recent-events.ts'
import { createSelection } from './selection.ts'

let recent: RecentEvents
let delivered: [number, number][]
let audience: Audience
beforeEach(() => {
  recent = new RecentEvents(0, 100_000, 'e1')
  delivered = []
  const telemetry = { ...SILENT, delivered: (events: number, bytes: number) => void delivered.push([events, bytes]) }
  audience = new Audience(createSelection(['a']), SSE, recent, telemetry)
})

/** Adds an event to the audience. */
function add(origin: string | null = null): void {
  const position = recent.head + 1
  audience.add(recent.push({ position, channel: 'a', type: 't', data: '1', time: new Date(0), origin }))
}

/** A cursor that notes what it is offered. */
function join({ clientId = null as string | null, isLive = true, takes = true } = {}) {
  const cursor = {
    clientId,
    froms: [] as number[],
    offers: [] as (Uint8Array | undefined)[],
    expect(from: number) {
      cursor.froms.push(from)
      return isLive
    },
    offer(chunk: Uint8Array | undefined) {
      cursor.offers.push(chunk)
      return takes && chunk !== undefined
    },
  }
  audience.cursors.add(cursor as unknown as Cursor)
  return cursor
}

const idsIn = (chunk: Uint8Array | undefined) =>
  [...new TextDecoder().decode(chunk).matchAll(/^id: (\d+)-e1$/gm)].map(([, id]) => Number(id))

describe('a flush', () => {
  test('offers one chunk with all pending events to every live cursor', () => {
    const [first, second] = [join(), join()]
    add()
    add()
    const sizes = [...audience.flush(7)]
    expect(first.offers[0]).toBe(second.offers[0] as Uint8Array)
    expect(idsIn(first.offers[0])).toEqual([1, 2])
    expect(first.froms).toEqual([7])
    const size = first.offers[0]?.byteLength ?? 0
    expect(sizes).toEqual([size, size])
  })

  test('leaves out cursors that are behind', () => {
    const behind = join({ isLive: false })
    add()
    expect([...audience.flush(0)]).toEqual([])
    expect(behind.offers).toEqual([])
  })

  test('takes each event once', () => {
    const cursor = join()
    add()
    for (const _ of audience.flush(0));
    add()
    for (const _ of audience.flush(1));
    expect(cursor.offers.map(idsIn)).toEqual([[1], [2]])
  })

  test('offers a cursor only when its step is taken', () => {
    const [first, second] = [join(), join()]
    add()
    const steps = audience.flush(0)[Symbol.iterator]()
    expect([first.froms, second.froms]).toEqual([[0], [0]])
    steps.next()
    expect([first.offers.length, second.offers.length]).toEqual([1, 0])
  })

  test('begins with another cursor each time, so that none is always the last', () => {
    const order: string[] = []
    for (const clientId of ['a', 'b', 'c', 'd']) {
      const cursor = join({ clientId })
      cursor.offer = () => order.push(clientId) > 0
    }
    const lasts = Array.from({ length: 20 }, () => {
      add()
      order.length = 0
      for (const _ of audience.flush(0));
      expect(order.toSorted()).toEqual(['a', 'b', 'c', 'd'])
      return order.at(-1)
    })
    for (const clientId of ['a', 'b', 'c', 'd']) {
      expect(lasts.filter((last) => last === clientId).length).toBeGreaterThanOrEqual(4)
    }
  })

  test('leaves out of a stream what its own client caused', () => {
    const [mine, other, nameless] = [join({ clientId: 'page-1' }), join({ clientId: 'page-2' }), join()]
    add('page-1')
    add()
    for (const _ of audience.flush(0));
    expect(idsIn(mine.offers[0])).toEqual([2])
    expect(idsIn(other.offers[0])).toEqual([1, 2])
    expect(nameless.offers[0]).toBe(other.offers[0] as Uint8Array)
  })

  test('offers nothing to a client that caused all of it, so that its cursor moves', () => {
    const mine = join({ clientId: 'page-1' })
    add('page-1')
    expect([...audience.flush(0)]).toEqual([0])
    expect(mine.offers).toEqual([undefined])
  })
})

describe('telemetry', () => {
  test('receives one report a flush, with the events and bytes of all streams', () => {
    const [first] = [join(), join({ clientId: 'page-1' })]
    add('page-1')
    add()
    const sizes = [...audience.flush(0)]
    expect(delivered).toEqual([[3, (sizes[0] ?? 0) + (sizes[1] ?? 0)]])
    expect(sizes[0]).toBe(first?.offers[0]?.byteLength as number)
  })

  test('receives nothing of streams that did not take the chunk', () => {
    join({ takes: false })
    join({ clientId: 'page-1' })
    add('page-1')
    for (const _ of audience.flush(0));
    expect(delivered).toEqual([])
  })
})

test('audiences of the same patterns in another encoding have another name', () => {
  const selection = createSelection(['a', 'b.>'])
  expect(Audience.nameOf(selection, SSE)).toBe(Audience.nameOf(createSelection(['b.>', 'a']), SSE))
  expect(Audience.nameOf(selection, SSE)).not.toBe(Audience.nameOf(selection, UNNAMED_SSE))
  expect(Audience.nameOf(selection, SSE)).not.toBe(Audience.nameOf(createSelection(['a']), SSE))
})
