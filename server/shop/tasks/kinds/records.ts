import type { Line } from './lines.ts'

/** A record of a CSV file: a line, or several where a field in quotes has line breaks. */
export interface CsvRecord {
  /** Number of its first line, from 1. */
  line: number
  lastLine: number
  /** `undefined` when it is longer than allowed. */
  bytes: Uint8Array | undefined
  /** Bytes of the file up to the end of the record. */
  offset: number
}

/** How lines are put together. */
export interface RecordOptions {
  /** Maximum bytes of a record. */
  maxBytes: number
  /** Whether lines that were put together, because of their quotes, are one record. */
  isRecord: (bytes: Uint8Array) => boolean
}

const QUOTE = 0x22
const LINE_BREAK = Buffer.from('\n')

/**
 * Joins lines where a quote is open at the end of one (RFC 4180, section 2, rule 6). A quote that is not closed within
 * `maxBytes`, or only where it cannot be, invalidates its own line and no other. Where it is closed, all lines between are
 * one record: text within quotes is never taken for a record of its own.
 */
export async function* readRecords(
  lines: AsyncIterable<Line>,
  { maxBytes, isRecord }: RecordOptions,
): AsyncGenerator<CsvRecord> {
  /** Lines since an open quote; only the first has one of its own. */
  let open: Line[] = []
  let size = 0
  function* take(line: Line): Generator<CsvRecord> {
    if (open.length === 0 && !hasOddQuote(line)) return yield recordOf([line])
    open.push(line)
    // The line break counts, and therefore blank lines do.
    size += (line.bytes?.byteLength ?? Number.POSITIVE_INFINITY) + 1
    if (size > maxBytes) return yield* takeApart()
    if (open.length === 1 || !hasOddQuote(line)) return
    const record = recordOf(open)
    if (!record.bytes || !isRecord(record.bytes)) return yield* takeApart()
    open = []
    size = 0
    yield record
  }
  function* takeApart(): Generator<CsvRecord> {
    const [first, ...others] = open
    open = []
    size = 0
    if (first) yield recordOf([first])
    for (const line of others) yield* take(line)
  }
  for await (const line of lines) yield* take(line)
  while (open.length > 0) yield* takeApart()
}

/** With an odd number of quotes, one is open at the end: an escaped quote is two quotes. */
function hasOddQuote({ bytes }: Line): boolean {
  let isOdd = false
  for (let at = bytes?.indexOf(QUOTE) ?? -1; at >= 0; at = bytes?.indexOf(QUOTE, at + 1) ?? -1) isOdd = !isOdd
  return isOdd
}

function recordOf(lines: readonly Line[]): CsvRecord {
  const first = lines[0] as Line
  const last = lines.at(-1) as Line
  const bytes =
    lines.length === 1
      ? first.bytes
      : Buffer.concat(lines.flatMap((line, index) => [...(index > 0 ? [LINE_BREAK] : []), line.bytes ?? LINE_BREAK]))
  return { line: first.number, lastLine: last.number, bytes, offset: last.offset }
}
