import { isAscii, isUtf8 } from 'node:buffer'
import { AppError, tooDeep } from '../../platform/errors.ts'
import { Slice } from '../../platform/event-loop.ts'
import { MAX_BATCH } from '../../protocol/limits.ts'
import { JsonScanner, type JsonVisitor, NestingError } from './json-scanner.ts'

/** An event as the body has it: its data is JSON text. `undefined` for a value that is not an object. */
export type WrittenEvent = Record<string, unknown> | undefined

/** The events of one request. */
export interface WrittenPublication {
  events: WrittenEvent[]
  /** Whether the body is an array. */
  isBatch: boolean
}

/** Maximum nesting depth of a body: that of the data, and the levels of the event and the batch. */
const MAX_DEPTH = 1000 + 2

/** Bytes that are scanned at once: some milliseconds for the worst case of JSON. */
const STEP = 32 * 1024

/** Bytes above which a name or a short member is invalid in any case, even if all its characters are escaped. */
const MAX_NAME_BYTES = 4096

/**
 * Reads the events of a body. Their data is validated but not parsed: it is published byte by byte as it was sent. Yields to
 * the event loop between slices of a few milliseconds.
 *
 * @throws {AppError} `body.invalid`, `data.too_deep`, `batch.too_large` (413)
 */
export async function readEvents(body: Uint8Array): Promise<WrittenPublication> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const textAt = textOf(bytes)
  const layout = new Layout(textAt)
  const slice = new Slice()
  await scanJson(bytes, layout, MAX_DEPTH, slice)
  const events: WrittenEvent[] = []
  for (const members of layout.events) {
    events.push(members && toEvent(textAt, members))
    if (slice.isOver) await slice.next()
  }
  return { events, isBatch: layout.isBatch }
}

/**
 * Validates JSON in slices.
 *
 * @throws {AppError} `body.invalid`, `data.too_deep`
 */
export async function scanJson(bytes: Uint8Array, visitor: JsonVisitor, maxDepth: number, slice: Slice): Promise<void> {
  // Several large bodies may have arrived in this event-loop turn.
  if (bytes.byteLength > STEP) await slice.next()
  const scanner = new JsonScanner(bytes, visitor, maxDepth)
  try {
    while (!scanner.advance(STEP)) if (slice.isOver) await slice.next()
  } catch (error) {
    if (error instanceof NestingError) throw tooDeep(error)
    if (error instanceof SyntaxError) {
      throw new AppError('body.invalid', `The body is not valid JSON: ${error.message}.`, { cause: error })
    }
    throw error
  }
}

/** The text between two positions in bytes. */
type TextAt = (start: number, end: number) => string

/** Bytes of a body up to which its text is made at once; the texts of its values are then parts of it. */
const SMALL = 8 * 1024

/** @throws {AppError} `body.invalid` */
function textOf(bytes: Buffer): TextAt {
  if (bytes.byteLength <= SMALL && isAscii(bytes)) {
    const text = bytes.toString('latin1')
    return (start, end) => text.slice(start, end)
  }
  if (!isUtf8(bytes)) throw new AppError('body.invalid', 'The body is not valid UTF-8.')
  return (start, end) => bytes.toString('utf8', start, end)
}

/** The bytes of a value in the body. */
type Range = readonly [start: number, end: number]
type Members = Map<string, Range>

/** Collects the positions of the members of the events. */
class Layout implements JsonVisitor {
  readonly events: (Members | undefined)[] = []
  isBatch = false
  readonly #textAt: TextAt
  /** Of the event that is being scanned. */
  #members: Members | undefined
  #name = ''

  constructor(textAt: TextAt) {
    this.#textAt = textAt
  }

  get #depthOfEvents(): number {
    return this.isBatch ? 1 : 0
  }

  open(depth: number, isArray: boolean): void {
    if (depth === 0) this.isBatch = isArray
    if (depth === this.#depthOfEvents && !isArray) this.#members = new Map()
  }

  key(depth: number, start: number, end: number): void {
    if (depth === this.#depthOfEvents + 1) this.#name = String(shortValueAt(this.#textAt, start, end))
  }

  value(depth: number, start: number, end: number): void {
    // Of a duplicate name the last value counts, as in JSON.parse. Unknown names make the event invalid: one is enough.
    if (depth === this.#depthOfEvents + 1 && (this.#members?.size ?? 0) <= MEMBERS)
      this.#members?.set(this.#name, [start, end])
    if (depth !== this.#depthOfEvents) return
    this.events.push(this.#members)
    this.#members = undefined
    if (this.events.length > MAX_BATCH) throw tooMany()
  }
}

/** channel, type, data and key. */
const MEMBERS = 4

const tooMany = () =>
  new AppError(
    'batch.too_large',
    `The array holds more than ${MAX_BATCH} events; at most ${MAX_BATCH} go in one request.`,
    {
      status: 413,
    },
  )

function toEvent(textAt: TextAt, members: Members): WrittenEvent {
  const event: Record<string, unknown> = Object.create(null)
  for (const [name, [start, end]] of members) {
    event[name] = name === 'data' ? textAt(start, end) : shortValueAt(textAt, start, end)
  }
  return event
}

/** A value longer than any valid one stays text, cut off, which is as invalid. */
function shortValueAt(textAt: TextAt, start: number, end: number): unknown {
  if (end - start > MAX_NAME_BYTES) return textAt(start, start + MAX_NAME_BYTES)
  const text = textAt(start, end)
  return text.startsWith('"') && !text.includes('\\') ? text.slice(1, -1) : JSON.parse(text)
}
