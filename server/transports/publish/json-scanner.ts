import { endOfPrimitive, QUOTE, scanString, unexpectedByte } from './json-tokens.ts'

/** Receives what a scan finds on the outer three levels of a JSON text; positions are in bytes. */
export interface JsonVisitor {
  /** An array or object begins, within `depth` others. */
  open(depth: number, isArray: boolean): void
  /** The name of a member, with its quotes. */
  key(depth: number, start: number, end: number): void
  /** A value has ended, within `depth` arrays and objects. */
  value(depth: number, start: number, end: number): void
}

/** The arrays and objects of a JSON text are nested too deeply. */
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

const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const COMMA = 0x2c
const COLON = 0x3a

/** Maximum depth of the values that are reported. */
const REPORTED_DEPTH = 2

/**
 * Validates a JSON text (RFC 8259) without creating values, in steps of bounded length: even the largest text never holds the
 * event loop for long. `JSON.parse` takes seconds for some megabytes of small numbers or of many members.
 *
 * The bytes have to be valid UTF-8. Memory is one byte per level, whatever the size of the text.
 */
export class JsonScanner {
  readonly #bytes: Uint8Array
  readonly #visitor: JsonVisitor
  /** Whether each open array or object is an array. */
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
    // Ignores a byte order mark (RFC 8259, section 8.1).
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  /**
   * Scans about `count` more bytes.
   *
   * @returns whether the end is reached
   * @throws {SyntaxError} with the position of the first error
   * @throws {NestingError} above the maximum depth
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
      this.#at = endOfPrimitive(this.#bytes, start)
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
    const { at, isClosed } = scanString(this.#bytes, this.#at, limit)
    this.#at = at
    if (isClosed) this.#endString()
  }

  #endString(): void {
    if (this.#isKey) {
      this.#expect = Expect.Colon
      if (this.#depth <= REPORTED_DEPTH) this.#visitor.key(this.#depth, this.#string, this.#at)
    } else this.#endValue(this.#string)
  }

  #unexpected(): SyntaxError {
    return unexpectedByte(this.#bytes, this.#at)
  }
}
