import type { Cursor } from '../../fanout/cursor.ts'
import type { Chunk } from '../../fanout/encoding.ts'
import type { Sink } from '../../fanout/sink.ts'
import { type CloseName, closeCodeOf } from '../../protocol/close-codes.ts'
import type { CloseReason } from '../../telemetry/telemetry.ts'

/** What the sink needs of Bun's WebSocket. */
export interface Socket {
  /** @returns bytes that were sent; `-1` when the socket took the message and no further one; `0` when it was dropped */
  send(text: string): number
  close(code: number, reason: string): void
  /** Ends the connection without a close frame. */
  terminate(): void
  getBufferedAmount(): number
}

/** Answers that may wait for a client that does not read. */
const MAX_ANSWERS = 32

const decoder = new TextDecoder()
let decoded: { chunk: Chunk; text: string } | undefined

/** Bun sends text messages from strings only. A flush gives the same chunk to all sockets of an audience: it is decoded once. */
function textOf(chunk: Chunk): string {
  if (decoded?.chunk !== chunk) decoded = { chunk, text: decoder.decode(chunk) }
  return decoded.text
}

/** The reason of a close frame, by why the stream ended. */
const NAMES: Record<Exclude<CloseReason, 'client'>, CloseName> = {
  replaced: 'replaced',
  stalled: 'stalled',
  shutdown: 'drain',
  error: 'error',
  expired: 'expired',
  revoked: 'revoked',
}

/**
 * A WebSocket as a sink. What the network does not take at once, Bun keeps: one chunk, because nothing more is written until
 * the socket has drained. Made before the upgrade: what is written until then goes out with it.
 */
export class SocketSink implements Sink {
  #socket: Socket | undefined
  #cursor: Pick<Cursor, 'resume' | 'leave'> | undefined
  #early: Chunk[] = []
  /** Texts that go out before anything else. */
  #answers: string[] = []
  #isFull = false
  #isClosed = false

  /** The cursor to notify when the socket wants more or the client has left. */
  attach(cursor: Pick<Cursor, 'resume' | 'leave'>): void {
    this.#cursor = cursor
  }

  /** The connection is a WebSocket now. */
  open(socket: Socket): void {
    this.#socket = socket
    for (const chunk of this.#early) this.write(chunk)
    this.#early = []
    void this.#cursor?.resume()
  }

  get wantsMore(): boolean {
    return this.#socket !== undefined && !this.#isClosed && !this.#isFull
  }

  write(chunk: Chunk): void {
    if (this.#socket) this.#send(textOf(chunk))
    else this.#early.push(chunk)
  }

  /** Sends an answer as soon as the socket takes it. Too many that wait end the connection: the client sends, and does not read. */
  answer(text: string): void {
    if (this.#isClosed) return
    if (this.#isFull) this.#answers.push(text)
    else this.#send(text)
    if (this.#answers.length > MAX_ANSWERS) this.end('flood')
  }

  /** The socket has taken some of what Bun kept. */
  drained(): void {
    this.#isFull = (this.#socket?.getBufferedAmount() ?? 0) > 0
    while (this.wantsMore) {
      const text = this.#answers.shift()
      if (text === undefined) break
      this.#send(text)
    }
    void this.#cursor?.resume()
  }

  close(last: Chunk | undefined, reason: CloseReason): void {
    if (reason === 'client') this.#terminate()
    else this.#close(NAMES[reason], last)
  }

  /** Ends the connection for a fault of the client, and with it the stream. */
  end(name: CloseName): void {
    this.#close(name, undefined)
    this.left()
  }

  /** The connection has ended. */
  left(): void {
    this.#isClosed = true
    this.#cursor?.leave()
  }

  #close(name: CloseName, last: Chunk | undefined): void {
    if (this.#isClosed) return
    if (this.wantsMore && last) this.write(last)
    this.#isClosed = true
    // A close frame would wait behind what the client does not read, and the memory with it.
    if (this.#isFull) this.#socket?.terminate()
    else this.#socket?.close(closeCodeOf(name), name)
  }

  #terminate(): void {
    this.#isClosed = true
    this.#socket?.terminate()
  }

  #send(text: string): void {
    const result = this.#socket?.send(text)
    if (result === -1) this.#isFull = true
    // Nothing may follow what was dropped: the client resumes where it is.
    else if (result === 0) this.#terminate()
  }
}
