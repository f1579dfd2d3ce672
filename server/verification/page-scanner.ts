import type { HistoryPage } from '../protocol/history.ts'
import { numberAt } from './frame-scanner.ts'

/** A page of events, scanned and not parsed. */
export interface ScannedPage extends Pick<HistoryPage, 'gap' | 'closing' | 'cursor'> {
  /** The text of each event, in order. */
  events: ScannedEvent[]
}

/** An event of a page. */
export interface ScannedEvent {
  position: number
  type: string
  /** Its JSON text, one byte a character. */
  text: string
}

const EVENTS = '"events":['
const SEPARATOR = ',\n'
const POSITION = '{"position":'
const TYPE = '"type":"'

/**
 * Takes apart a page that was waited for. It relies on what this server writes: an event a line, with commas between them.
 *
 * @param body one byte a character
 * @throws {SyntaxError} when it is no page
 */
export function scanPage(body: string): ScannedPage {
  const start = body.indexOf(EVENTS) + EVENTS.length
  const end = body.lastIndexOf('],"cursor":')
  const { gap, closing } = JSON.parse(`${body.slice(0, start)}]}`)
  const { cursor } = JSON.parse(`{${body.slice(end + 2)}`)
  return { events: [...eventsIn(body, start, end)], cursor, ...(gap && { gap }), ...(closing && { closing }) }
}

function* eventsIn(body: string, start: number, end: number): Generator<ScannedEvent> {
  while (start < end) {
    const comma = body.indexOf(SEPARATOR, start)
    const stop = comma === -1 || comma > end ? end : comma
    const text = body.slice(start, stop)
    const type = text.indexOf(TYPE) + TYPE.length
    yield { position: numberAt(text, POSITION.length), type: text.slice(type, text.indexOf('"', type)), text }
    start = stop + SEPARATOR.length
  }
}
