import { isUtf8 } from 'node:buffer'
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
  if (!isUtf8(bytes)) throw new AppError('body.invalid', 'The body is not valid UTF-8.')
  const layout = new Layout(bytes)
  const slice = new Slice()
  await scanJson(bytes, layout, MAX_DEPTH, slice)
  const events: WrittenEvent[] = []
  for (const members of layout.events) {
    events.push(members && toEvent(bytes, members))
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

/** The bytes of a value in the body. */
type Range = readonly [start: number, end: number]
type Members = Map<string, Range>

/** Collects the positions of the members of the events. */
class Layout implements JsonVisitor {
  readonly events: (Members | undefined)[] = []
  isBatch = false
  readonly #bytes: Buffer
  /** Of the event that is being scanned. */
  #members: Members | undefined
  #name = ''

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get #depthOfEvents(): number {
    return this.isBatch ? 1 : 0
  }

  open(depth: number, isArray: boolean): void {
    if (depth === 0) this.isBatch = isArray
    if (depth === this.#depthOfEvents && !isArray) this.#members = new Map()
  }

  key(depth: number, start: number, end: number): void {
    if (depth === this.#depthOfEvents + 1) this.#name = String(shortValueAt(this.#bytes, [start, end]))
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

function toEvent(bytes: Buffer, members: Members): WrittenEvent {
  const event: Record<string, unknown> = Object.create(null)
  for (const [name, range] of members) event[name] = name === 'data' ? textAt(bytes, range) : shortValueAt(bytes, range)
  return event
}

const textAt = (bytes: Buffer, [start, end]: Range): string => bytes.toString('utf8', start, end)

/** A value longer than any valid one stays text, cut off, which is as invalid. */
function shortValueAt(bytes: Buffer, [start, end]: Range): unknown {
  if (end - start > MAX_NAME_BYTES) return textAt(bytes, [start, start + MAX_NAME_BYTES])
  const text = textAt(bytes, [start, end])
  return text.startsWith('"') && !text.includes('\\') ? text.slice(1, -1) : JSON.parse(text)
}
