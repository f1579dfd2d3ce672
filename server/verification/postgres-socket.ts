import type { Socket } from 'bun'

/** A prepared statement with its values, as the bytes that one round trip sends. */
export type Request = Uint8Array

/** How a {@link PostgresSocket} connects: by trust, as to the embedded Postgres. */
export interface PostgresSocketOptions {
  /** Path of the unix socket. */
  path: string
  user: string
  database: string
}

const encoder = new TextEncoder()
/** Types of messages: ErrorResponse and ReadyForQuery. */
const ERROR = 'E'.charCodeAt(0)
const READY = 'Z'.charCodeAt(0)
/** Bytes of the type and the length before a message's content. */
const HEADER = 5
const NO_PARAMETERS = new Uint8Array(2)

/**
 * One connection that speaks just enough of Postgres' protocol (version 3) to send one statement at a time and to know when it
 * is done: for load tools, in which a complete client would be slower than the server.
 *
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class PostgresSocket {
  #socket: Socket | undefined
  #pending: PromiseWithResolvers<void> | undefined
  #rest = new Uint8Array(0)
  #error: Error | undefined

  /** @throws {Error} when the server refuses the connection */
  static async connect({ path, user, database }: PostgresSocketOptions): Promise<PostgresSocket> {
    const connection = new PostgresSocket()
    connection.#socket = await Bun.connect({
      unix: path,
      socket: {
        data: (_, bytes) => connection.#read(bytes),
        close: () => connection.#fail(new Error('Postgres has closed the connection')),
        error: (_, error) => connection.#fail(error),
      },
    })
    await connection.send(startup(user, database))
    return connection
  }

  /** Sends a request and waits until the server is ready for the next. @throws {Error} that the server reports */
  send(request: Request): Promise<void> {
    this.#pending = Promise.withResolvers<void>()
    // A request is smaller than the buffer of a socket, and the one before it has been read.
    const written = this.#socket?.write(request)
    if (written !== request.length) this.#fail(new Error('a request was not written at once'))
    return this.#pending.promise
  }

  close(): void {
    this.#socket?.end()
  }

  #read(bytes: Uint8Array): void {
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const view = new DataView(input.buffer, input.byteOffset, input.length)
    let offset = 0
    let isReady = false
    while (offset + HEADER <= input.length) {
      const end = offset + 1 + view.getUint32(offset + 1)
      if (end > input.length) break
      const type = input[offset]
      if (type === ERROR) this.#error ??= new Error(messageOf(input.subarray(offset + HEADER, end)))
      if (type === READY) isReady = true
      offset = end
    }
    this.#rest = input.slice(offset)
    if (isReady) this.#settle()
  }

  #settle(): void {
    const error = this.#error
    this.#error = undefined
    if (error) this.#pending?.reject(error)
    else this.#pending?.resolve()
  }

  /** A fatal error comes before the end of the connection, not before a ReadyForQuery. */
  #fail(error: Error): void {
    this.#pending?.reject(this.#error ?? error)
  }
}

/** The message of an ErrorResponse: fields of a letter and a text, each ended by a zero byte. */
function messageOf(fields: Uint8Array): string {
  const texts = new TextDecoder().decode(fields).split('\0')
  return texts.find((text) => text.startsWith('M'))?.slice(1) ?? 'unknown error'
}

/** Parses a statement under a name, for {@link execute}. */
export const prepare = (name: string, statement: string): Request =>
  Buffer.concat([message('P', Buffer.concat([text(name), text(statement), NO_PARAMETERS])), message('S')])

/** Executes a prepared statement with values in their text form. */
export function execute(name: string, values: readonly string[]): Request {
  const given = values.flatMap((value) => [int32(encoder.encode(value).length), encoder.encode(value)])
  const bind = Buffer.concat([text(''), text(name), int16(0), int16(values.length), ...given, int16(0)])
  return Buffer.concat([message('B', bind), message('E', Buffer.concat([text(''), int32(0)])), message('S')])
}

function startup(user: string, database: string): Request {
  const PROTOCOL_3 = 196_608
  const content = Buffer.concat([
    int32(PROTOCOL_3),
    ...['user', user, 'database', database].map(text),
    new Uint8Array(1),
  ])
  return Buffer.concat([int32(content.length + 4), content])
}

const message = (type: string, content: Uint8Array = new Uint8Array(0)) =>
  Buffer.concat([encoder.encode(type), int32(content.length + 4), content])
const text = (value: string) => encoder.encode(`${value}\0`)

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
