/** What a decoder calls back with. */
export interface ResponseHandlers {
  onHead: (status: number) => void
  /** Bytes of the body, as they come. */
  onBody: (bytes: Uint8Array) => void
  /** The body is complete. */
  onEnd: () => void
}

const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a

/**
 * Takes one HTTP/1.1 response apart: status, and a body in chunks (RFC 9112, section 7.1) or until the connection ends.
 */
export class ResponseDecoder {
  readonly #handlers: ResponseHandlers
  #state: 'head' | 'size' | 'data' | 'after data' | 'plain' | 'done' = 'head'
  /** A line that is not complete yet. */
  #line = ''
  #head: string[] = []
  /** Bytes of the chunk that are still to come. */
  #left = 0

  constructor(handlers: ResponseHandlers) {
    this.#handlers = handlers
  }

  push(bytes: Uint8Array): void {
    let offset = 0
    while (offset < bytes.length && this.#state !== 'done') {
      if (this.#state === 'plain') {
        this.#handlers.onBody(bytes.subarray(offset))
        return
      }
      offset = this.#state === 'data' ? this.#takeData(bytes, offset) : this.#takeLine(bytes, offset)
    }
  }

  #takeData(bytes: Uint8Array, offset: number): number {
    const end = Math.min(bytes.length, offset + this.#left)
    this.#handlers.onBody(bytes.subarray(offset, end))
    this.#left -= end - offset
    if (this.#left === 0) this.#state = 'after data'
    return end
  }

  #takeLine(bytes: Uint8Array, offset: number): number {
    const end = bytes.indexOf(LINE_FEED, offset)
    const stop = end === -1 ? bytes.length : end
    for (let index = offset; index < stop; index++) {
      const byte = bytes[index] as number
      if (byte !== CARRIAGE_RETURN) this.#line += String.fromCharCode(byte)
    }
    if (end === -1) return bytes.length
    const line = this.#line
    this.#line = ''
    this.#onLine(line)
    return end + 1
  }

  #onLine(line: string): void {
    if (this.#state === 'head') this.#onHeadLine(line)
    else if (this.#state === 'after data') this.#state = 'size'
    else {
      this.#left = Number.parseInt(line, 16)
      this.#state = this.#left > 0 ? 'data' : 'done'
      if (this.#state === 'done') this.#handlers.onEnd()
    }
  }

  #onHeadLine(line: string): void {
    if (line !== '') {
      this.#head.push(line)
      return
    }
    const isChunked = this.#head.some((header) => /^transfer-encoding:.*chunked/i.test(header))
    this.#state = isChunked ? 'size' : 'plain'
    this.#handlers.onHead(Number(this.#head[0]?.split(' ')[1]))
  }
}
