import { expect, test } from 'bun:test'
import { advance, useFakeTime } from '../../testing/fake-time.ts'
import { Peers } from './peers.ts'

useFakeTime()

function create() {
  const peers = new Peers(1000)
  const add = () => {
    const peer = {
      pings: 0,
      isTerminated: false,
      buffered: 0,
      ping: () => ++peer.pings,
      terminate() {
        peer.isTerminated = true
      },
      getBufferedAmount: () => peer.buffered,
    }
    peers.add(peer)
    return peer
  }
  return { peers, add }
}

test('a client that answers is sent a ping in each interval, and stays', async () => {
  const { peers, add } = create()
  const peer = add()
  for (let n = 1; n <= 5; n++) {
    await advance(1000)
    expect(peer.pings).toBe(n)
    peers.heard(peer)
  }
  expect(peer.isTerminated).toBe(false)
  peers.remove(peer)
})

test('a client that has not answered by the next ping is ended, and others are not', async () => {
  const { peers, add } = create()
  const [silent, present] = [add(), add()]
  await advance(1000)
  peers.heard(present)
  expect(silent.isTerminated).toBe(false)
  await advance(1000)
  expect([silent.isTerminated, silent.pings, present.isTerminated, present.pings]).toEqual([true, 1, false, 2])
  peers.remove(present)
})

test('a client that does not read is sent no pings, and is left to the stall timeout', async () => {
  const { peers, add } = create()
  const peer = add()
  peer.buffered = 10
  await advance(5000)
  expect([peer.pings, peer.isTerminated]).toEqual([0, false])
  peers.remove(peer)
})

test('one that has left is sent nothing more', async () => {
  const { peers, add } = create()
  const peer = add()
  peers.remove(peer)
  peers.heard(peer)
  await advance(5000)
  expect(peer.pings).toBe(0)
})
