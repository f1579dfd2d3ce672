import { connect } from 'node:net'
import { SECOND } from '../../platform/time.ts'
import { ResponseReader } from './response-reader.ts'

/** Milliseconds after which a request without a complete response counts as hanging: no limit of the server is longer. */
const HANG = 20 * SECOND

/** What came back on a connection of its own. */
export interface Exchanged {
  /** `closed`: the server ended the connection before a complete response. */
  outcome: 'response' | 'closed' | 'hang'
  /** 0 without a response. */
  status: number
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>
  /** Of a stream, its first frame. */
  body: Buffer
}

/**
 * Writes one request to a connection and reads its response; a stream is cancelled after its first frame.
 *
 * @param bytes the whole request
 * @param method of the request: HEAD has no body in its response
 * @param endsEarly whether the client ends its side after the bytes, although it has announced more
 */
export function exchange(url: string, bytes: Buffer, method: string, endsEarly = false): Promise<Exchanged> {
  const { hostname, port } = new URL(url)
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  const reader = new ResponseReader(method)
  const socket = connect(Number(port), hostname)
  const settle = (outcome: Exchanged['outcome']) => {
    clearTimeout(timer)
    socket.destroy()
    resolve({ outcome, status: reader.status, headers: reader.headers, body: reader.body })
  }
  const timer = setTimeout(() => settle('hang'), HANG)
  socket.on('data', (chunk: Buffer) => reader.push(chunk) && settle('response'))
  // A response that came before a reset still counts.
  socket.on('error', () => {})
  socket.on('close', () => settle(reader.finish() ? 'response' : 'closed'))
  socket.write(bytes)
  if (endsEarly) socket.end()
  return promise
}
