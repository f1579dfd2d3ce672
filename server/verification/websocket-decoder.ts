/** Opcodes of frames (RFC 6455, section 5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** What a decoder calls back with. Texts have one byte a character. */
export interface WebSocketHandlers {
  /** A message, of all its fragments. */
  onMessage: (text: string) => void
  /** A ping, a pong, or a close frame. */
  onControl: (opcode: number, payload: string) => void
}

/** Takes apart what a server sends after the handshake: frames that are not masked, split anywhere. */
export class WebSocketDecoder {
  readonly #handlers: WebSocketHandlers
  /** Bytes of a frame's head that have arrived. */
  readonly #head = new Uint8Array(10)
  #headLength = 0
  /** Bytes of the payload that are still to come; `-1` while the head is not complete. */
  #left = -1
  #payload = ''
  /** Fragments of a message that is not complete yet. */
  #fragments = ''

  constructor(handlers: WebSocketHandlers) {
    this.#handlers = handlers
  }

  push(bytes: Uint8Array): void {
    let offset = 0
    while (offset < bytes.length) {
      offset = this.#left === -1 ? this.#takeHead(bytes, offset) : this.#takePayload(bytes, offset)
      if (this.#left === 0) this.#endFrame()
    }
  }

  #takeHead(bytes: Uint8Array, offset: number): number {
    this.#head[this.#headLength++] = bytes[offset] as number
    const short = this.#headLength < 2 ? 127 : (this.#head[1] as number) & 0x7f
    const size = short === 127 ? 10 : short === 126 ? 4 : 2
    if (this.#headLength === size) {
      this.#headLength = 0
      this.#left = short
      if (short >= 126) {
        this.#left = 0
        for (const byte of this.#head.subarray(2, size)) this.#left = this.#left * 256 + byte
      }
    }
    return offset + 1
  }

  #takePayload(bytes: Uint8Array, offset: number): number {
    const length = Math.min(this.#left, bytes.length - offset)
    this.#payload += Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('latin1')
    this.#left -= length
    return offset + length
  }

  #endFrame(): void {
    const [first] = this.#head as unknown as [number]
    const payload = this.#payload
    this.#payload = ''
    this.#left = -1
    if ((first & 0x0f) >= OPCODE.close) {
      this.#handlers.onControl(first & 0x0f, payload)
      return
    }
    this.#fragments += payload
    if ((first & 0x80) === 0) return
    const message = this.#fragments
    this.#fragments = ''
    this.#handlers.onMessage(message)
  }
}

/** A control frame of a client, masked as all that a client sends. @param payload at most 125 bytes, one a character */
export function controlFrame(opcode: number, payload: string): Uint8Array {
  const mask = crypto.getRandomValues(new Uint8Array(4))
  const masked = Buffer.from(payload, 'latin1').map((byte, index) => byte ^ (mask[index % 4] as number))
  return Buffer.concat([Uint8Array.of(0x80 | opcode, 0x80 | masked.length), mask, masked])
}
