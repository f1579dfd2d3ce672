import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Peers } from './peers.ts'
import { fakeBrowser } from './testing/fake-browser.ts'

let restore: () => void
let ended: number
let peers: Peers

beforeEach(() => {
  restore = fakeBrowser()
  ended = 0
  peers = new Peers('test', () => ended++)
})
afterEach(() => restore())

const settle = async () => {
  for (let count = 0; count < 20; count++) await Promise.resolve()
}

/** Another tab that holds its lock. Returns how it ends. */
async function openPeer(tab: string): Promise<() => Promise<void>> {
  const { promise, resolve } = Promise.withResolvers<void>()
  await new Peers('test', () => {}).announce(tab, promise)
  return () => {
    resolve()
    return settle()
  }
}

describe('the other tabs', () => {
  test('are known by the channels that they follow', () => {
    peers.set('a', ['orders.>'])
    peers.set('b', ['tasks.>', 'broadcast'])
    expect(peers.channels).toEqual(['orders.>', 'tasks.>', 'broadcast'])
    peers.set('b', ['tasks.>'])
    expect(peers.channels).toEqual(['orders.>', 'tasks.>'])
  })

  test('are forgotten when they end, and this is reported once', async () => {
    const end = await openPeer('a')
    peers.set('a', ['orders.>'])
    peers.watch()
    peers.set('a', ['orders.>', 'tasks.>'])
    await settle()
    expect([peers.channels, ended]).toEqual([['orders.>', 'tasks.>'], 0])
    await end()
    expect([peers.channels, ended]).toEqual([[], 1])
  })

  test('are watched when they open later, too', async () => {
    peers.watch()
    const end = await openPeer('a')
    peers.set('a', ['orders.>'])
    await end()
    expect([peers.channels, ended]).toEqual([[], 1])
  })

  test('are watched again when they are there again', async () => {
    peers.watch()
    for (let count = 1; count <= 2; count++) {
      const end = await openPeer('a')
      peers.set('a', ['orders.>'])
      expect(peers.channels).toEqual(['orders.>'])
      await end()
      expect([peers.channels, ended]).toEqual([[], count])
    }
  })

  test('are not watched by a tab that does not lead', async () => {
    const end = await openPeer('a')
    peers.set('a', ['orders.>'])
    await end()
    expect([peers.channels, ended]).toEqual([['orders.>'], 0])
  })

  test('of another name are none', async () => {
    const { promise } = Promise.withResolvers<void>()
    await new Peers('other', () => {}).announce('a', promise)
    peers.set('a', ['orders.>'])
    peers.watch()
    await settle()
    // No tab of this name holds the lock: it has ended.
    expect([peers.channels, ended]).toEqual([[], 1])
  })
})
