/** When a client of an event stream stores the ID of a line `id:`. */
export type IdHandling =
  /** As specified: when the blank line dispatches the event. */
  | 'at dispatch'
  /** As soon as the line is complete, as in `eventsource` 2 and `fetch-event-source`. */
  | 'at its line'

/** An event that the reader has dispatched. */
export interface Dispatched {
  event: string
  data: string
}

/**
 * A reader of event streams, written from the specification (WHATWG HTML, 9.2.6) without code of the server. The last event
 * ID survives the end of a connection; an incomplete event at its end is discarded, as specified.
 */
export class LineReader {
  readonly #ids: IdHandling
  readonly #onEvent: (event: Dispatched) => void
  #decoder = new TextDecoder()
  #line = ''
  #hasCarriageReturn = false
  #event = ''
  #data: string[] = []
  #idBuffer = ''
  lastEventId = ''

  constructor(ids: IdHandling, onEvent: (event: Dispatched) => void) {
    this.#ids = ids
    this.#onEvent = onEvent
  }

  /** Starts a connection. */
  begin(): void {
    this.#decoder = new TextDecoder()
    this.#line = ''
    this.#hasCarriageReturn = false
    this.#event = ''
    this.#data = []
    this.#idBuffer = this.lastEventId
  }

  push(bytes: Uint8Array): void {
    for (const character of this.#decoder.decode(bytes, { stream: true })) {
      const endsPair = this.#hasCarriageReturn && character === '\n'
      this.#hasCarriageReturn = character === '\r'
      if (endsPair) continue
      if (character === '\n' || character === '\r') this.#takeLine()
      else this.#line += character
    }
  }

  #takeLine(): void {
    const line = this.#line
    this.#line = ''
    if (line === '') this.#dispatch()
    else if (!line.startsWith(':')) this.#takeField(line)
  }

  #takeField(line: string): void {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') this.#event = value
    else if (name === 'data') this.#data.push(value)
    else if (name === 'id' && !value.includes('\0')) {
      this.#idBuffer = value
      if (this.#ids === 'at its line') this.lastEventId = value
    }
  }

  #dispatch(): void {
    this.lastEventId = this.#idBuffer
    if (this.#data.length > 0) this.#onEvent({ event: this.#event || 'message', data: this.#data.join('\n') })
    this.#event = ''
    this.#data = []
  }
}
