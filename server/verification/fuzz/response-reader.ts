const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Reads one HTTP/1.1 response from the bytes of a connection (RFC 9112, section 6.3). */
export class ResponseReader {
  readonly #method: string
  #bytes = Buffer.alloc(0)
  #isHeadRead = false
  /** 0 until the head has arrived. */
  status = 0
  /** Names in lower case; of several with one name, the last. */
  readonly headers = new Map<string, string>()
  /** Complete when `push` or `finish` has returned true. */
  body = Buffer.alloc(0)

  /** @param method of the request: a response to HEAD has no body */
  constructor(method: string) {
    this.#method = method
  }

  /** @returns whether the response is complete; that of a stream is with its first frame */
  push(chunk: Buffer): boolean {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    return this.#readHead() && this.#readBody()
  }

  /** The connection has ended. @returns whether that completes the response */
  finish(): boolean {
    if (!this.#isHeadRead || this.headers.has('content-length') || this.#isChunked) return false
    this.body = this.#bytes
    return true
  }

  get #isChunked(): boolean {
    return /chunked/i.test(this.headers.get('transfer-encoding') ?? '')
  }

  #readHead(): boolean {
    while (!this.#isHeadRead) {
      const end = this.#bytes.indexOf(END_OF_HEAD)
      if (end === -1) return false
      const [start = '', ...lines] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n')
      this.#bytes = this.#bytes.subarray(end + END_OF_HEAD.length)
      this.status = Number(start.split(' ')[1])
      // Informational: the response is still to come.
      if (this.status >= 100 && this.status < 200 && this.status !== 101) continue
      for (const line of lines) {
        const colon = line.indexOf(':')
        this.headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
      }
      this.#isHeadRead = true
    }
    return true
  }

  #readBody(): boolean {
    if (this.#method === 'HEAD' || [101, 204, 304].includes(this.status)) return true
    if (this.#isChunked) return this.#readChunks()
    const length = Number(this.headers.get('content-length') ?? Number.NaN)
    if (!(this.#bytes.length >= length)) return false
    this.body = this.#bytes.subarray(0, length)
    return true
  }

  #readChunks(): boolean {
    const isStream = this.headers.get('content-type')?.startsWith('text/event-stream')
    for (;;) {
      const end = this.#bytes.indexOf('\r\n')
      if (end === -1) return false
      const size = Number.parseInt(this.#bytes.subarray(0, end).toString('latin1'), 16)
      if (size === 0) return true
      const start = end + 2
      if (this.#bytes.length < start + size + 2) return false
      this.body = Buffer.concat([this.body, this.#bytes.subarray(start, start + size)])
      this.#bytes = this.#bytes.subarray(start + size + 2)
      if (isStream && this.body.includes('\n\n')) return true
    }
  }
}
