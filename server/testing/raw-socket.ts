import { connect, type Socket } from 'node:net'
import { SUBPROTOCOL } from '../protocol/socket.ts'
import { until } from './until.ts'

/** A frame of the server. */
export interface RawFrame {
  opcode: number
  payload: Buffer
}

/** A WebSocket whose every byte the test decides, and which answers nothing by itself: neither pings nor a close. */
export interface RawSocket extends Disposable {
  socket: Socket
  /** Status of the response to the handshake. */
  status: number
  /** Complete frames so far. */
  readonly frames: readonly RawFrame[]
  /** Sends a frame. Defaults to a whole one, masked. */
  send(
    opcode: number,
    payload?: string | Buffer,
    options?: { isLast?: boolean; isMasked?: boolean; bits?: number },
  ): void
  /** Resolves with the code of the server's close frame. @throws {Error} when none comes */
  closeCode(): Promise<number>
  /** Resolves when the connection has ended. */
  ended: Promise<void>
}

/** Opcodes of RFC 6455, section 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Opens a connection and sends a handshake; resolves with the response. */
export async function openRawSocket(url: string, query = '', headers: Record<string, string> = {}): Promise<RawSocket> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const fields = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': SUBPROTOCOL,
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /events${query} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const ended = Promise.withResolvers<void>()
  const head = Promise.withResolvers<number>()
  const frames: RawFrame[] = []
  let bytes: Buffer = Buffer.alloc(0)
  let isOpen = false
  socket.on('data', (received: Buffer) => {
    bytes = Buffer.concat([bytes, received])
    if (!isOpen) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      isOpen = true
      head.resolve(Number(bytes.toString('latin1', 9, 12)))
      bytes = bytes.subarray(end + 4)
    }
    for (let frame = readFrame(bytes); frame; frame = readFrame(bytes)) {
      frames.push(frame)
      bytes = bytes.subarray(frame.size)
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended.resolve()
    head.reject(new Error('the connection was closed before a response'))
  })
  const status = await head.promise
  return {
    socket,
    status,
    frames,
    send: (opcode, payload = '', options = {}) => void socket.write(frameOf(opcode, Buffer.from(payload), options)),
    async closeCode() {
      const find = () => frames.find(({ opcode }) => opcode === OPCODE.close)
      const frame = await until('a close frame', find)
      return frame?.payload.readUInt16BE(0) ?? 0
    },
    ended: ended.promise,
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** The first frame of some bytes, with its size; `undefined` while it is not complete. */
function readFrame(bytes: Buffer): (RawFrame & { size: number }) | undefined {
  if (bytes.length < 2) return undefined
  const short = (bytes[1] as number) & 0x7f
  const start = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < start) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  if (bytes.length < start + length) return undefined
  return { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(start, start + length), size: start + length }
}

const MASK = Buffer.from([1, 2, 3, 4])

function frameOf(opcode: number, payload: Buffer, { isLast = true, isMasked = true, bits = 0 }): Buffer {
  const length = payload.length
  const head = Buffer.alloc(length > 0xffff ? 10 : length > 125 ? 4 : 2)
  head[0] = (isLast ? 0x80 : 0) | bits | opcode
  head[1] = (isMasked ? 0x80 : 0) | (length > 0xffff ? 127 : length > 125 ? 126 : length)
  if (length > 0xffff) head.writeBigUInt64BE(BigInt(length), 2)
  else if (length > 125) head.writeUInt16BE(length, 2)
  if (!isMasked) return Buffer.concat([head, payload])
  return Buffer.concat([head, MASK, payload.map((byte, index) => byte ^ (MASK[index % 4] as number))])
}
