/** A set of numbers from 0, a bit each. */
class BitSet {
  #words = new Uint32Array(1024)

  has(n: number): boolean {
    return ((this.#words[n >>> 5] ?? 0) & (1 << (n & 31))) !== 0
  }

  add(n: number): void {
    const word = n >>> 5
    if (word >= this.#words.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#words.length * 2))
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[word] = (this.#words[word] as number) | (1 << (n & 31))
  }
}

/** What was published under the numbers 0, 1, 2, … and at which positions of the log: each stream is checked against this. */
export class Publications {
  readonly #acknowledged = new BitSet()
  #positions: number[] = []
  #count = 0
  #sent = 0

  /** Takes the next number for an event that is about to be sent. */
  next(): number {
    return this.#sent++
  }

  /** How many numbers were taken. */
  get sent(): number {
    return this.#sent
  }

  /** How many numbers the server has acknowledged. */
  get acknowledged(): number {
    return this.#count
  }

  /** Events that arrived, or were acknowledged, at two different positions. */
  misplaced = 0

  /** The server reported that an event is durable, at this position. */
  acknowledge(n: number, position: number): void {
    if (!this.#acknowledged.has(n)) this.#count++
    this.#acknowledged.add(n)
    this.place(n, position)
  }

  /** An event was seen at this position: it must be the same on all streams. */
  place(n: number, position: number): void {
    const known = this.#positions[n]
    if (known === undefined) this.#positions[n] = position
    else if (known !== position) this.misplaced++
  }

  /** Whether a number was acknowledged at a position after a cursor, and up to another. */
  isBetween(n: number, cursor: number, through: number): boolean {
    return this.isAfter(n, cursor) && (this.#positions[n] as number) <= through
  }

  /** Whether a number was acknowledged at a position after a cursor. */
  isAfter(n: number, cursor: number): boolean {
    return this.#acknowledged.has(n) && (this.#positions[n] as number) > cursor
  }
}

/** What one subscriber received, across all its reconnects. */
export class StreamLedger {
  readonly #wants: (n: number) => boolean
  readonly #received = new BitSet()
  #lastPosition = -1
  #start: number | undefined
  /** Events that arrived more than once. */
  duplicated = 0
  /** Events that arrived after one with a larger position. */
  reordered = 0
  /** Events of channels that the stream does not follow. */
  foreign = 0
  /** Events that arrived for the first time, and in order. */
  delivered = 0

  /** @param wants whether the stream follows the channel of a number. Defaults to all. */
  constructor(wants: (n: number) => boolean = () => true) {
    this.#wants = wants
  }

  /** The position of the first `ready`: what is before it was never promised. Later calls are ignored. */
  begin(position: number): void {
    this.#start ??= position
  }

  /** The largest position that the stream has reached, or began at; `undefined` before `begin`. */
  get lastPosition(): number | undefined {
    return this.#lastPosition === -1 ? this.#start : this.#lastPosition
  }

  /** An event arrived. */
  receive(n: number, position: number): void {
    if (!this.#wants(n)) this.foreign++
    else if (this.#received.has(n)) this.duplicated++
    else if (position <= this.#lastPosition) this.reordered++
    else this.delivered++
    this.#received.add(n)
    this.#lastPosition = Math.max(this.#lastPosition, position)
  }

  /** Something other than an event moved the cursor (a heartbeat, a gap). */
  advance(position: number): void {
    this.#lastPosition = Math.max(this.#lastPosition, position)
  }

  /** A gap of reason `unknown` arrived: the log was set back, and positions continue after a smaller one. */
  setBack(position: number): void {
    this.#lastPosition = position
  }

  /** How many acknowledged events are missing that the stream is past: these will never arrive. */
  overdue(publications: Publications): number {
    let count = 0
    for (let n = 0; n < publications.sent; n++) {
      const isDue = publications.isBetween(n, this.#start ?? -1, this.#lastPosition)
      if (isDue && !this.#received.has(n) && this.#wants(n)) count++
    }
    return count
  }

  /** How many acknowledged events are missing; all of them on a stream that never opened. */
  missing(publications: Publications): number {
    let count = 0
    for (let n = 0; n < publications.sent; n++) {
      if (!this.#received.has(n) && this.#wants(n) && publications.isAfter(n, this.#start ?? -1)) count++
    }
    return count
  }
}
