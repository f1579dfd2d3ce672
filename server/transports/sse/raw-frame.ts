import { formatCursor } from '../../protocol/cursor.ts'
import { DEFAULT_TYPE, type LoggedEvent } from '../../protocol/event.ts'
import { escapeSeparators } from '../../protocol/line-separators.ts'
import { onOneLine } from '../one-line.ts'
import { dataLines } from './data-lines.ts'
import { concatenate } from './frame.ts'

const encoder = new TextEncoder()

/**
 * The bytes of one event whose `data:` is the published value itself: of a JSON string its text, of any other value its JSON
 * text on one line. `id:` is last, as in `eventFrame`.
 *
 * @param isNamed whether it has an `event:` line. By default, events of the type `message` have none: libraries that read
 * unnamed events only get them, and `EventSource` gives both to `onmessage`
 */
export function rawFrame(
  event: LoggedEvent,
  epoch: string,
  isNamed = event.type !== DEFAULT_TYPE,
): Uint8Array<ArrayBuffer> {
  const eventLine = encoder.encode(isNamed ? `event: ${event.type}\n` : '')
  const end = encoder.encode(`\nid: ${formatCursor(event.position, epoch)}\n\n`)
  return concatenate([eventLine, dataOf(event.data), end])
}

/** White space around the value is possible: SQL stores JSON as it was written. */
const dataOf = (json: string): Uint8Array<ArrayBuffer> =>
  /^[ \t\r\n]*"/.test(json)
    ? dataLines(JSON.parse(json) as string)
    : encoder.encode(`data: ${onOneLine(escapeSeparators(json))}`)
