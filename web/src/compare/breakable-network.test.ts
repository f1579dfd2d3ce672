import { describe, expect, test } from 'bun:test'
import type { ConnectionEnd, ConnectionHandlers, OpenConnection } from '../sse/connection.ts'
import { BreakableNetwork } from './breakable-network.ts'

const request = { url: '/events', channels: ['a'], clientId: undefined, cursor: undefined }

function setUp() {
  const network = new BreakableNetwork()
  const closed: number[] = []
  const ends: ConnectionEnd[] = []
  let opened = 0
  const open = network.over((): ReturnType<OpenConnection> => {
    const number = opened++
    return { close: () => closed.push(number) }
  })
  const connect = () => open('sse', request, { onEnd: (end) => void ends.push(end) } as ConnectionHandlers)
  return { network, closed, ends, connect, opened: () => opened }
}

describe('a network that can be cut', () => {
  test('drops every open connection, and tells its owner', () => {
    const { network, closed, ends, connect } = setUp()
    connect()
    connect()
    network.cut()
    expect(closed).toEqual([0, 1])
    expect(ends).toEqual([
      { verdict: 'retry', retryAfter: undefined },
      { verdict: 'retry', retryAfter: undefined },
    ])
    network.cut()
    expect(ends).toHaveLength(2)
  })

  test('leaves connections alone that their owner has closed', () => {
    const { network, closed, ends, connect } = setUp()
    connect().close()
    network.cut()
    expect([closed, ends]).toEqual([[0], []])
  })

  test('refuses new connections until it is restored', async () => {
    const { network, ends, connect, opened } = setUp()
    network.cut()
    connect()
    connect().close()
    expect([network.isCut, ends.length]).toEqual([true, 0])
    await Promise.resolve()
    expect([opened(), ends.length]).toEqual([0, 1])
    network.restore()
    connect()
    expect([network.isCut, opened()]).toEqual([false, 1])
  })
})
