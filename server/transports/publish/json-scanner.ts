/** What a scan reports of the outer levels of a JSON text; positions are in bytes. */
export interface JsonVisitor {
  /** An array or object begins that lies in `depth` others. */
  open(depth: number, isArray: boolean): void
  /** The name of a member, with its quotes. */
  key(depth: number, start: number, end: number): void
  /** A value has ended that lies in `depth` arrays and objects. */
  value(depth: number, start: number, end: number): void
}

/** JSON has too many levels of arrays and objects. */
export class NestingError extends Error {
  override name = 'NestingError'
}

enum Expect {
  Value,
  ValueOrEnd,
  Key,
  KeyOrEnd,
  Colon,
  CommaOrEnd,
  RestOfString,
  Nothing,
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const COMMA = 0x2c
const COLON = 0x3a

/** Depth of the values that are reported last. */
const REPORTED_DEPTH = 2

const LITERALS: Readonly<Record<number, Uint8Array>> = {
  116: Buffer.from('true'),
  102: Buffer.from('false'),
  110: Buffer.from('null'),
}

/**
 * Checks a JSON text (RFC 8259) without making values of it, in steps of bounded length, so that even the largest text holds
 * the event loop for a moment only. `JSON.parse` takes seconds for some megabytes of small numbers or of many members.
 *
 * The bytes must be UTF-8.
 */
export class JsonScanner {
  readonly #bytes: Uint8Array
  readonly #visitor: JsonVisitor
  /** Of each array or object that is open, whether it is an array. */
  readonly #isArray: Uint8Array
  readonly #starts: number[] = []
  #depth = 0
  #at = 0
  #expect = Expect.Value
  /** Start of the string that is being scanned, and whether it is the name of a member. */
  #string = 0
  #isKey = false

  constructor(bytes: Uint8Array, visitor: JsonVisitor, maxDepth: number) {
    this.#bytes = bytes
    this.#visitor = visitor
    this.#isArray = new Uint8Array(maxDepth)
    // A byte order mark (RFC 8259, section 8.1: a parser may ignore it).
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  /**
   * Scans about `count` bytes more. Returns whether the end is reached.
   *
   * @throws {SyntaxError} with the position
   * @throws {NestingError}
   */
  advance(count: number): boolean {
    const bytes = this.#bytes
    const limit = Math.min(this.#at + count, bytes.length)
    while (this.#at < limit) {
      const byte = bytes[this.#at] as number
      if (this.#expect === Expect.RestOfString) this.#scanString(limit)
      else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) this.#at++
      else this.#scanToken(byte)
    }
    if (this.#at < bytes.length) return false
    if (this.#expect !== Expect.Nothing) throw new SyntaxError('it ends too early')
    return true
  }

  #scanToken(byte: number): void {
    switch (this.#expect) {
      case Expect.ValueOrEnd:
        if (byte === CLOSE_ARRAY) this.#close()
        else this.#scanValue(byte)
        break
      case Expect.Value:
        this.#scanValue(byte)
        break
      case Expect.KeyOrEnd:
        if (byte === CLOSE_OBJECT) this.#close()
        else this.#beginKey(byte)
        break
      case Expect.Key:
        this.#beginKey(byte)
        break
      case Expect.Colon:
        this.#skip(byte, COLON, Expect.Value)
        break
      case Expect.CommaOrEnd:
        this.#scanAfterValue(byte)
        break
      default:
        throw this.#unexpected()
    }
  }

  #skip(byte: number, wanted: number, next: Expect): void {
    if (byte !== wanted) throw this.#unexpected()
    this.#at++
    this.#expect = next
  }

  #scanAfterValue(byte: number): void {
    const isArray = this.#isArray[this.#depth - 1] === 1
    if (byte === (isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) this.#close()
    else this.#skip(byte, COMMA, isArray ? Expect.Value : Expect.Key)
  }

  #scanValue(byte: number): void {
    if (byte === QUOTE) this.#beginString(false)
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte === OPEN_ARRAY)
    else {
      const start = this.#at
      const literal = LITERALS[byte]
      if (literal) this.#scanLiteral(literal)
      else this.#scanNumber()
      this.#endValue(start)
    }
  }

  #open(isArray: boolean): void {
    if (this.#depth >= this.#isArray.length) throw new NestingError(`more than ${this.#isArray.length} levels`)
    if (this.#depth <= REPORTED_DEPTH) {
      this.#starts[this.#depth] = this.#at
      this.#visitor.open(this.#depth, isArray)
    }
    this.#isArray[this.#depth++] = isArray ? 1 : 0
    this.#at++
    this.#expect = isArray ? Expect.ValueOrEnd : Expect.KeyOrEnd
  }

  #close(): void {
    this.#at++
    this.#depth--
    this.#endValue(this.#starts[this.#depth] ?? 0)
  }

  #endValue(start: number): void {
    this.#expect = this.#depth === 0 ? Expect.Nothing : Expect.CommaOrEnd
    if (this.#depth <= REPORTED_DEPTH) this.#visitor.value(this.#depth, start, this.#at)
  }

  #beginKey(byte: number): void {
    if (byte !== QUOTE) throw this.#unexpected()
    this.#beginString(true)
  }

  #beginString(isKey: boolean): void {
    this.#string = this.#at++
    this.#isKey = isKey
    this.#expect = Expect.RestOfString
  }

  #scanString(limit: number): void {
    const bytes = this.#bytes
    let at = this.#at
    while (at < limit) {
      const byte = bytes[at] as number
      if (byte === QUOTE) {
        this.#at = at + 1
        this.#endString()
        return
      }
      if (byte < 0x20) {
        this.#at = at
        throw this.#unexpected()
      }
      at = byte === BACKSLASH ? this.#afterEscape(at) : at + 1
    }
    this.#at = at
  }

  #endString(): void {
    if (this.#isKey) {
      this.#expect = Expect.Colon
      if (this.#depth <= REPORTED_DEPTH) this.#visitor.key(this.#depth, this.#string, this.#at)
    } else this.#endValue(this.#string)
  }

  #afterEscape(at: number): number {
    const byte = this.#bytes[at + 1] ?? 0
    if (byte !== 0x75) {
      if (byte === 0 || !'"\\/bfnrt'.includes(String.fromCharCode(byte))) {
        this.#at = at
        throw this.#unexpected()
      }
      return at + 2
    }
    for (let digit = at + 2; digit < at + 6; digit++) {
      if (isHexDigit(this.#bytes[digit])) continue
      this.#at = digit
      throw this.#unexpected()
    }
    return at + 6
  }

  #scanLiteral(literal: Uint8Array): void {
    for (const byte of literal) {
      if (this.#bytes[this.#at] !== byte) throw this.#unexpected()
      this.#at++
    }
  }

  #scanNumber(): void {
    if (this.#bytes[this.#at] === 0x2d) this.#at++
    if (this.#bytes[this.#at] === 0x30) this.#at++
    else this.#scanDigits()
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++
      this.#scanDigits()
    }
    const exponent = this.#bytes[this.#at]
    if (exponent !== 0x65 && exponent !== 0x45) return
    this.#at++
    const sign = this.#bytes[this.#at]
    if (sign === 0x2b || sign === 0x2d) this.#at++
    this.#scanDigits()
  }

  /** At least one. */
  #scanDigits(): void {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    while (isDigit(bytes[at])) at++
    this.#at = at
    if (at === start) throw this.#unexpected()
  }

  #unexpected(): SyntaxError {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return new SyntaxError('it ends too early')
    const character = byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte ${byte}`
    return new SyntaxError(`unexpected ${character} at byte ${this.#at}`)
  }
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHexDigit = (byte: number | undefined) =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
