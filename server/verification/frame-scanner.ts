import type { ScannedFrame } from './connection.ts'

/**
 * Cuts the bytes of an event stream into frames. It relies on what this server writes (LF as line end, the name first,
 * the id last, the reconnection time before it), which `frame.test.ts` checks with an independent parser.
 */
export class FrameScanner {
  readonly #onFrame: (frame: ScannedFrame) => void
  readonly #onRetry: (ms: number) => void
  #rest = ''

  /** @param onRetry receives the reconnection time, in milliseconds, before the frame that has it */
  constructor(onFrame: (frame: ScannedFrame) => void, onRetry: (ms: number) => void = () => {}) {
    this.#onFrame = onFrame
    this.#onRetry = onRetry
  }

  /** Takes the next bytes of the stream, split anywhere. */
  push(bytes: Uint8Array): void {
    const text = this.#rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    let start = 0
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', start)) {
      this.#scan(text, start, end)
      start = end + 2
    }
    this.#rest = start === 0 ? text : text.slice(start)
  }

  #scan(text: string, start: number, end: number): void {
    let first = start
    // Comments stand between frames.
    while (text.charCodeAt(first) === COLON) first = text.indexOf('\n', first) + 1
    let last = lineStart(text, end)
    const id = text.startsWith('id: ', last) ? numberAt(text, last + 4) : -1
    const cursor = id === -1 ? '' : text.slice(last + 4, end)
    if (id !== -1) last = lineStart(text, last - 1)
    if (text.startsWith('retry: ', last)) this.#onRetry(numberAt(text, last + 7))
    const isNamed = text.startsWith('event: ', first)
    const nameEnd = isNamed ? text.indexOf('\n', first) : first - 1
    this.#onFrame({
      id,
      cursor,
      event: isNamed ? text.slice(first + 7, nameEnd) : 'message',
      text: text.slice(nameEnd + 1, end),
    })
  }
}

const COLON = 0x3a

/** Where the line begins whose line feed is at a place. */
const lineStart = (text: string, end: number) => text.lastIndexOf('\n', end - 1) + 1

/** The digits at a place; `-1` when there are none. */
export function numberAt(text: string, start: number): number {
  let value = -1
  for (let index = start; ; index++) {
    const digit = text.charCodeAt(index) - 48
    if (!(digit >= 0 && digit <= 9)) return value
    value = (value === -1 ? 0 : value * 10) + digit
  }
}
