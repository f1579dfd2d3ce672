import type { ConnectionOptions } from './connection.ts'
import { numberAt } from './frame-scanner.ts'

type Handlers = Required<Pick<ConnectionOptions, 'onFrame' | 'onRetry'>>

/**
 * Takes apart a text message of a WebSocket: one JSON object, or an array of them. It relies on what this server writes (`id`
 * first, then `event`, and `retry` last; only events, which have ids, in arrays), and on data without objects that begin with
 * an `id`, which the data of a verifier does not have.
 */
export function scanMessages(text: string, handlers: Handlers): void {
  if (!text.startsWith('[')) {
    scan(text, handlers)
    return
  }
  for (let start = 1; start < text.length; ) {
    const comma = text.indexOf(`,${ID}`, start)
    const end = comma === -1 ? text.length - 1 : comma
    scan(text.slice(start, end), handlers)
    start = end + 1
  }
}

const ID = '{"id":"'
const EVENT = '"event":"'
const RETRY = ',"retry":'
const DIGIT = /\d/

function scan(message: string, { onFrame, onRetry }: Handlers): void {
  const hasId = message.startsWith(ID)
  const cursor = hasId ? message.slice(ID.length, message.indexOf('"', ID.length)) : ''
  const name = message.indexOf(EVENT) + EVENT.length
  if (DIGIT.test(message[message.length - 2] ?? '')) {
    const retry = message.lastIndexOf(RETRY)
    if (retry !== -1) onRetry(numberAt(message, retry + RETRY.length))
  }
  onFrame({
    id: hasId ? numberAt(message, ID.length) : -1,
    cursor,
    event: message.slice(name, message.indexOf('"', name)),
    text: message,
  })
}
