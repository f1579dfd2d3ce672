import { beforeEach, describe, expect, test } from 'bun:test'
import { closeCodeOf } from '../../protocol/close-codes.ts'
import { SocketSink } from './socket-sink.ts'

/** A socket whose buffer the test fills and drains. */
function createSocket() {
  const socket = {
    sent: [] as string[],
    closed: [] as (readonly [number, string])[],
    terminated: 0,
    /** What `send` returns next. */
    result: 1,
    buffered: 0,
    send(text: string) {
      socket.sent.push(text)
      if (socket.result === -1) socket.buffered = text.length
      return socket.result
    },
    close: (code: number, reason: string) => void socket.closed.push([code, reason]),
    terminate: () => void socket.terminated++,
    getBufferedAmount: () => socket.buffered,
  }
  return socket
}

const encode = (text: string) => new TextEncoder().encode(text)

let sink: SocketSink
let socket: ReturnType<typeof createSocket>
let calls: string[]
beforeEach(() => {
  sink = new SocketSink()
  socket = createSocket()
  calls = []
  sink.attach({
    resume: async () => void calls.push('resume'),
    leave: () => void calls.push('leave'),
  })
})

const drain = () => {
  socket.buffered = 0
  socket.result = 1
  sink.drained()
}

describe('a sink before the upgrade', () => {
  test('wants nothing, and keeps what is written until the socket is open', () => {
    expect(sink.wantsMore).toBe(false)
    sink.write(encode('ready'))
    sink.write(encode('gap'))
    sink.open(socket)
    expect([socket.sent, sink.wantsMore, calls]).toEqual([['ready', 'gap'], true, ['resume']])
  })
})

describe('a sink whose client does not read', () => {
  beforeEach(() => {
    sink.open(socket)
    socket.result = -1
    sink.write(encode('large'))
    calls = []
  })

  test('wants no more until all of it has drained', () => {
    expect(sink.wantsMore).toBe(false)
    socket.buffered = 2
    sink.drained()
    expect(sink.wantsMore).toBe(false)
    drain()
    expect([sink.wantsMore, calls]).toEqual([true, ['resume', 'resume']])
  })

  test('sends the answers that wait before anything else', () => {
    sink.answer('one')
    sink.answer('two')
    expect(socket.sent).toEqual(['large'])
    drain()
    expect(socket.sent).toEqual(['large', 'one', 'two'])
  })

  test('wants no more when an answer fills it again, and sends the rest later', () => {
    sink.answer('one')
    sink.answer('two')
    socket.buffered = 0
    sink.drained()
    expect([socket.sent, sink.wantsMore]).toEqual([['large', 'one'], false])
    drain()
    expect([socket.sent, sink.wantsMore]).toEqual([['large', 'one', 'two'], true])
  })

  test('is ended when too many answers wait: without a close frame, which would wait too', () => {
    for (let n = 0; n < 32; n++) sink.answer('x')
    expect(socket.terminated).toBe(0)
    sink.answer('x')
    expect([socket.terminated, socket.closed, calls]).toEqual([1, [], ['leave']])
  })

  test('ends without its last message', () => {
    sink.close(encode('closing'), 'stalled')
    expect([socket.sent, socket.terminated, sink.wantsMore]).toEqual([['large'], 1, false])
  })
})

describe('the end', () => {
  beforeEach(() => sink.open(socket))

  test.each([
    ['shutdown', 'drain'],
    ['error', 'error'],
    ['expired', 'expired'],
    ['revoked', 'revoked'],
    ['replaced', 'replaced'],
    ['stalled', 'stalled'],
  ] as const)('by %s comes after the last message, with the code of %s', (reason, name) => {
    sink.close(encode('closing'), reason)
    expect([socket.sent, socket.closed, sink.wantsMore]).toEqual([['closing'], [[closeCodeOf(name), name]], false])
  })

  test('by the server comes once', () => {
    sink.close(encode('closing'), 'shutdown')
    sink.end('flood')
    sink.answer('late')
    expect([socket.sent, socket.closed.length]).toEqual([['closing'], 1])
  })

  test('comes when a message was dropped: nothing may follow it', () => {
    socket.result = 0
    sink.write(encode('dropped'))
    expect([socket.terminated, sink.wantsMore]).toEqual([1, false])
  })

  test('of the connection ends the stream', () => {
    sink.left()
    expect([calls, sink.wantsMore]).toEqual([['resume', 'leave'], false])
  })

  test('by a fault of the client ends the stream too', () => {
    sink.end('unsupported')
    expect([socket.closed, calls]).toEqual([[[1003, 'unsupported']], ['resume', 'leave']])
  })
})

test('a chunk that is written to many sinks is decoded once', () => {
  const others = Array.from({ length: 3 }, () => new SocketSink())
  const sockets = others.map((other) => {
    const each = createSocket()
    other.open(each)
    return each
  })
  const chunk = encode('{"event":"é"}')
  const { decode } = TextDecoder.prototype
  let decoded = 0
  TextDecoder.prototype.decode = function (...parameters) {
    decoded++
    return decode.apply(this, parameters)
  }
  for (const other of others) other.write(chunk)
  TextDecoder.prototype.decode = decode
  expect([decoded, ...sockets.flatMap(({ sent }) => sent)]).toEqual([
    1,
    '{"event":"é"}',
    '{"event":"é"}',
    '{"event":"é"}',
  ])
})
