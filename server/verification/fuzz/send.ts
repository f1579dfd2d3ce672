import { type Exchanged, exchange } from './exchange.ts'
import type { FuzzRequest } from './request.ts'

/** Sends a request on a connection of its own. @param url of the server @param more headers, which come first */
export function send(url: string, request: FuzzRequest, more: FuzzRequest['headers'] = []): Promise<Exchanged> {
  const given = new Set(request.headers.map(([name]) => name.toLowerCase()))
  const headers = [...more.filter(([name]) => !given.has(name)), ...request.headers]
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...lengthOf(request),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return exchange(url, Buffer.concat([head, framed(request)]), request.method, request.framing === 'less')
}

/** Bytes by which a `Content-Length` that lies differs from the body. */
const LIE = 7

function lengthOf({ body, framing = 'exact' }: FuzzRequest): string[] {
  if (!body) return []
  if (framing === 'chunked') return ['Transfer-Encoding: chunked']
  const lie = { exact: 0, less: LIE, more: -Math.min(LIE, body.length) }[framing]
  return [`Content-Length: ${body.length + lie}`]
}

function framed({ body, framing }: FuzzRequest): Buffer {
  if (!body) return Buffer.alloc(0)
  if (framing !== 'chunked') return body
  const half = Math.ceil(body.length / 2)
  const chunks = [body.subarray(0, half), body.subarray(half)].filter((chunk) => chunk.length > 0)
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ])
}
