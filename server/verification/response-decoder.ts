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
 * Takes one HTTP/1.1 response apart: status, and a body in chunks (RFC 9112, section 7.1), of a length that the head names, or until
 * the connection ends.
 */
export class ResponseDecoder {
  readonly #handlers: ResponseHandlers
  #state: 'head' | 'size' | 'data' | 'after data' | 'whole' | 'plain' | 'done' = 'head'
  /** A line that is not complete yet. */
  #line = ''
  #head: string[] = []
  /** Bytes of the chunk, or of the whole body, that are still to come. */
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
      const isData = this.#state === 'data' || this.#state === 'whole'
      offset = isData ? this.#takeData(bytes, offset) : this.#takeLine(bytes, offset)
    }
  }

  #takeData(bytes: Uint8Array, offset: number): number {
    const end = Math.min(bytes.length, offset + this.#left)
    this.#handlers.onBody(bytes.subarray(offset, end))
    this.#left -= end - offset
    if (this.#left > 0) return end
    if (this.#state === 'whole') this.#end()
    else this.#state = 'after data'
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
      if (this.#left > 0) this.#state = 'data'
      else this.#end()
    }
  }

  #onHeadLine(line: string): void {
    if (line !== '') {
      this.#head.push(line)
      return
    }
    const isChunked = this.#head.some((header) => /^transfer-encoding:.*chunked/i.test(header))
    const length = this.#head.map((header) => /^content-length: *(\d+)/i.exec(header)?.[1]).find(Boolean)
    this.#state = isChunked ? 'size' : length === undefined ? 'plain' : 'whole'
    this.#left = Number(length ?? 0)
    this.#handlers.onHead(Number(this.#head[0]?.split(' ')[1]))
    if (this.#state === 'whole' && this.#left === 0) this.#end()
  }

  #end(): void {
    this.#state = 'done'
    this.#handlers.onEnd()
  }
}
