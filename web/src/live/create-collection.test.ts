import './testing/reactive-solid.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from 'bun:test'
import { createRoot } from 'solid-js'
import type { StreamEvent } from '../sse/protocol.ts'
import { FakeEventSource, fakeBrowser } from '../sse/testing/fake-browser.ts'
import type { Effect, Row } from './apply-events.ts'
import type { Collection, CollectionOptions } from './create-collection.ts'
import { type FakeFrames, fakeFrames } from './testing/fake-frames.ts'

interface Item extends Row {
  name: string
}
type Loaded = Awaited<ReturnType<CollectionOptions<Item>['load']>>

/** A read that the test ends. */
interface Read {
  resolve: (loaded: Partial<Loaded>) => Promise<void>
  reject: (message: string) => Promise<void>
}

let restore: () => void
let frames: FakeFrames
let module: typeof import('./create-collection.ts')
let notice: () => string
let reads: Read[]
let dispose: () => void
let collection: Collection<Item>
let dropped: number[]
let arrived: number[]
/** The cursor grows over all tests: they share the connection of the page. */
let position = 100

beforeAll(async () => {
  restore = fakeBrowser(() => Response.json({ events: [], cursor: `${position}-a`, more: false }))
  frames = fakeFrames()
  // The connection of the page is made when the module is loaded.
  module = await import('./create-collection.ts')
  notice = (await import('./notice.ts')).notice
})
afterAll(async () => {
  ;(await import('./stream.ts')).stream.close()
  frames.restore()
  restore()
})
beforeEach(() => {
  reads = []
  dropped = []
  arrived = []
})
afterEach(() => {
  dispose()
  jest.useRealTimers()
})

const settle = async () => {
  for (let count = 0; count < 30; count++) await Promise.resolve()
}
const item = (id: number, version = 1, name = 'a'): Item => ({ id, version, name })

function create(options: Partial<CollectionOptions<Item>> = {}): void {
  createRoot((end) => {
    dispose = end
    collection = module.createCollection<Item>({
      load() {
        const { promise, resolve, reject } = Promise.withResolvers<Loaded>()
        reads.push({
          resolve(loaded) {
            resolve({ rows: [], cursor: `${position}-a`, isPartial: false, ...loaded })
            return settle()
          },
          reject(message) {
            reject(new Error(message))
            return settle()
          },
        })
        return promise
      },
      max: () => 3,
      onDropped: (rows) => dropped.push(...rows.map(({ id }) => id)),
      channels: ['items.>'],
      effectOf: ({ data }) => data as Effect<Item>,
      ...options,
    })
    collection.onArrival((_event, { id }) => arrived.push(id))
  })
}

/** The connection of the page, live. */
async function source(): Promise<FakeEventSource> {
  await settle()
  const newest = FakeEventSource.newest
  if (newest.readyState === FakeEventSource.CONNECTING) newest.connects({ head: position })
  await settle()
  return newest
}

/** An event over the stream, shown in the next frame. */
async function arrives(effect: Effect<Item>): Promise<void> {
  const connection = await source()
  const event: Omit<StreamEvent, 'position'> = {
    channel: 'items.1',
    type: 't',
    data: effect,
    time: '2026-11-21T10:00:00.000Z',
  }
  connection.onmessage?.(new MessageEvent('message', { data: JSON.stringify(event), lastEventId: `${++position}-a` }))
  await settle()
}
const names = () => collection.ids().map((id) => `${id} ${collection.rows[id]?.name}`)

describe('a collection', () => {
  test('is loading, then shows the rows, the newest first', async () => {
    create()
    expect([collection.state(), collection.ids()]).toEqual(['loading', []])
    let isTaken = false
    await reads[0]?.resolve({
      rows: [item(1), item(2)],
      onTaken: () => {
        isTaken = true
      },
    })
    expect([collection.state(), names(), isTaken]).toEqual(['ready', ['2 a', '1 a'], true])
  })

  test('follows the stream from the cursor that it was read at, once a frame', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1)] })
    await arrives({ put: item(2) })
    await arrives({ put: item(1, 2, 'b') })
    expect(names()).toEqual(['1 a'])
    frames.draw()
    expect([names(), arrived]).toEqual([
      ['2 a', '1 b'],
      [2, 1],
    ])
  })

  test('drops the oldest rows when there are too many, and leaves them out from then on', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1), item(2), item(3)] })
    await arrives({ put: item(4) })
    frames.draw()
    await arrives({ put: item(1, 2, 'b') })
    frames.draw()
    expect([collection.ids(), dropped, collection.rows[1]]).toEqual([[4, 3, 2], [1], undefined])
  })

  test('leaves out rows that are older than those of a partial read', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(5), item(6)], isPartial: true })
    await arrives({ put: item(4) })
    frames.draw()
    expect(collection.ids()).toEqual([6, 5])
  })

  test('takes rows of responses, unless the event was quicker', async () => {
    create({ isWanted: ({ name }) => name !== 'gone' })
    await reads[0]?.resolve({ rows: [item(1, 2), item(2)] })
    collection.put(item(1, 2, 'same'))
    collection.put(item(3, 1, 'new'))
    collection.put(item(2, 2, 'gone'))
    expect([names(), arrived]).toEqual([['3 new', '1 a'], []])
    collection.remove(3)
    expect(names()).toEqual(['1 a'])
  })

  test('shows why it could not be read, and reads again when the stream is live', async () => {
    create()
    const connection = await source()
    await reads[0]?.reject('no connection')
    expect([collection.state(), collection.error()]).toEqual(['failed', 'no connection'])
    connection.drops()
    connection.connects({ head: position })
    await settle()
    expect(reads).toHaveLength(2)
    await reads[1]?.resolve({ rows: [item(1)] })
    expect([collection.state(), names()]).toEqual(['ready', ['1 a']])
  })

  test('reads everything again on demand; the newest read counts, and rows stay meanwhile', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1)] })
    collection.reload()
    collection.reload()
    expect([collection.state(), names()]).toEqual(['ready', ['1 a']])
    await reads[2]?.resolve({ rows: [item(3)] })
    await reads[1]?.resolve({ rows: [item(2)] })
    expect(names()).toEqual(['3 a'])
  })

  test('discards events that arrived before it is read again: they are part of what is read', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1)] })
    await arrives({ put: item(2) })
    collection.reload()
    frames.draw()
    expect([names(), arrived]).toEqual([['1 a'], []])
  })

  test('reads everything again, once, when changes concern rows that are not here', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1)] })
    await source()
    jest.useFakeTimers()
    for (const version of [2, 3]) {
      await arrives({ patch: { ids: [9], change: { version } } })
      frames.draw()
    }
    jest.advanceTimersByTime(499)
    expect(reads).toHaveLength(1)
    jest.advanceTimersByTime(1)
    await settle()
    jest.advanceTimersByTime(5000)
    expect(reads).toHaveLength(2)
  })

  test('shows nothing of a read that ends after its owner', async () => {
    create()
    dispose()
    await reads[0]?.resolve({ rows: [item(1)] })
    expect(collection.ids()).toEqual([])
  })

  test('of a log that was set back takes smaller positions and versions: both start over', async () => {
    create()
    await reads[0]?.resolve({ rows: [item(1, 9, 'old')] })
    const connection = await source()
    connection.dispatchEvent(
      new MessageEvent('gap', {
        data: JSON.stringify({ from: position, to: 10, reason: 'unknown' }),
        lastEventId: '10-b',
      }),
    )
    await settle()
    expect([reads.length, notice()]).toEqual([2, expect.stringContaining('restored')])
    position = 10
    await reads[1]?.resolve({ rows: [item(1, 3, 'restored')], cursor: '10-b' })
    expect(names()).toEqual(['1 restored'])
    await arrives({ put: item(1, 4, 'changed') })
    frames.draw()
    expect([names(), position]).toEqual([['1 changed'], 11])
  })
})
