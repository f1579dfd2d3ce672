import { connect, type Socket } from 'node:net'

/** What is sent of the request. */
export interface UnfinishedRequestOptions {
  method?: string
  /** Defaults to `application/json`. */
  contentType?: string
  /** Further headers. Defaults to none. */
  headers?: Record<string, string>
  /** Value of `Content-Length`; without it, the body is sent in chunks. */
  length?: number
  /** The part of the body that is sent at once. Defaults to nothing. */
  start?: string | Uint8Array
  /** The part of the body that is sent every 100 ms. Defaults to nothing. */
  drip?: string
}

/** A request whose body does not end, until it is disposed. */
export interface UnfinishedRequest extends Disposable {
  /** Resolves when `start` was sent, or can no longer be sent. */
  sent: Promise<void>
  /** Resolves with the response. */
  response: Promise<{ status: number; headers: string; body: string }>
  /** Resolves when the server has closed the connection. */
  closed: Promise<void>
}

/** Sends the head of a request and a part of its body. */
export function sendUnfinished(
  url: string,
  {
    method = 'POST',
    contentType = 'application/json',
    headers = {},
    length,
    start = '',
    drip,
  }: UnfinishedRequestOptions = {},
): UnfinishedRequest {
  const { hostname, port, host, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  const framing = length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`
  const further = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  socket.write(
    `${method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${contentType}\r\n${further}${framing}\r\n\r\n`,
  )
  const write = (part: string | Uint8Array) => writePart(socket, part, length === undefined)
  const sent = start.length > 0 ? write(start) : Promise.resolve()
  const timer = drip === undefined ? undefined : setInterval(() => socket.writable && write(drip), 100)
  const closed = Promise.withResolvers<void>()
  const response = Promise.withResolvers<{ status: number; headers: string; body: string }>()
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString()
    const [headers = '', body = ''] = text.split('\r\n\r\n')
    // Problem documents end in a line break.
    if (body.endsWith('\n')) response.resolve({ status: Number(text.split(' ')[1]), headers, body })
  })
  const end = () => {
    clearInterval(timer)
    closed.resolve()
    response.reject(new Error(`the connection was closed after ${JSON.stringify(text)}`))
  }
  response.promise.catch(() => {})
  socket.on('close', end)
  socket.on('error', () => {})
  return { sent, response: response.promise, closed: closed.promise, [Symbol.dispose]: () => socket.destroy() }
}

const writePart = (socket: Socket, part: string | Uint8Array, inChunks: boolean): Promise<void> =>
  new Promise((resolve) => {
    if (inChunks) socket.write(`${Buffer.byteLength(part).toString(16)}\r\n`)
    socket.write(part, () => resolve())
    if (inChunks) socket.write('\r\n')
  })
