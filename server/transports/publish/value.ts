import { isUtf8 } from 'node:buffer'
import { isJson } from '../../http/body.ts'
import { AppError } from '../../platform/errors.ts'
import { Slice, yieldToEventLoop } from '../../platform/event-loop.ts'
import { checkDataSize, parseData } from '../../protocol/event.ts'
import type { JsonVisitor } from './json-scanner.ts'
import { scanJson } from './publication.ts'

/** How a body that is the data of an event is stored: as it is, or as a JSON string. */
export type ValueKind = 'json' | 'text'

/**
 * What a request says that its body is: JSON, or text of any kind (`text/html`, `text/plain`, …) in UTF-8.
 *
 * @throws {AppError} `body.not_text` (415)
 */
export function valueKindOf(request: Request): ValueKind {
  if (isJson(request)) return 'json'
  const type = request.headers.get('content-type') ?? ''
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type)?.[1] ?? 'utf-8'
  if (/^text\//i.test(type) && /^utf-?8$/i.test(charset)) return 'text'
  throw new AppError(
    'body.not_text',
    'With a channel in the query, the body is the data: send it as application/json, text/plain or text/html (or other text), in UTF-8.',
    { status: 415 },
  )
}

/** Levels of arrays and objects that Postgres parses in any case. */
const MAX_DEPTH = 1000

/** Bytes of text above which writing it as JSON takes milliseconds. */
const LARGE_TEXT = 32 * 1024

/**
 * The data of an event, as JSON text, from a body that is the data itself. JSON is checked but not parsed: it stays as it was
 * sent, without white space around it. Text stays character by character, including a byte order mark.
 *
 * @throws {AppError} `body.invalid`, `data.too_deep`, `data.too_large` (413)
 */
export async function readValue(body: Uint8Array, kind: ValueKind, maxBytes: number): Promise<string> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!isUtf8(bytes)) throw new AppError('body.invalid', 'The body is not valid UTF-8.')
  if (kind === 'json') return parseData(await readJson(bytes), maxBytes)
  // Quotes make it longer. Escapes do so too, up to six times: too long a text is refused before.
  checkDataSize(bytes.byteLength + 2, maxBytes)
  // Several large bodies may have arrived in this event-loop turn.
  if (bytes.byteLength > LARGE_TEXT) await yieldToEventLoop()
  return parseData(JSON.stringify(bytes.toString()), maxBytes)
}

async function readJson(bytes: Buffer): Promise<string> {
  let [start, end] = [0, 0]
  const visitor: JsonVisitor = {
    open() {},
    key() {},
    value(depth, from, to) {
      if (depth === 0) [start, end] = [from, to]
    },
  }
  await scanJson(bytes, visitor, MAX_DEPTH, new Slice())
  return bytes.toString('utf8', start, end)
}
