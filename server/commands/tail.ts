import { Command } from 'commander'
import { escapeControls } from '../platform/printable.ts'
import { withoutPassword } from '../platform/redact.ts'
import { parseLogCursor } from '../protocol/cursor.ts'
import { authorizationOf, tokenOption } from './credential.ts'
import { type ReceivedEvent, readEvents } from './event-reader.ts'
import { createPainter } from './output.ts'
import { urlOption } from './server-url.ts'

interface TailOptions {
  url: string
  from?: string
  token?: string
}

/** The command `tail`. */
export const tailCommand = () =>
  new Command('tail')
    .description(
      'Follow channels: readable lines in a terminal, NDJSON in a pipe. Reconnects and resumes after a loss of the connection.',
    )
    .argument('<channel...>', 'names or patterns: orders.alice.17, orders.*.17, orders.>')
    .addOption(urlOption())
    .addOption(tokenOption())
    .option(
      '--from <cursor>',
      'begin after this cursor, or position; "earliest" for the oldest event kept (default: new events only)',
    )
    .addHelpText('after', `\nExample:\n  sse-update tail 'orders.>' broadcast --from earliest | jq .data\n`)
    .action(tail)

async function tail(channels: string[], { url, from, token }: TailOptions): Promise<void> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  // The reading end of the pipe was closed.
  process.stdout.on('error', () => process.exit(0))
  const paint = createPainter(process.stderr)
  const note = (text: string) => console.error(paint('dim', escapeControls(text)))
  const show = process.stdout.isTTY ? personLine(createPainter(process.stdout)) : jsonLine
  const onLost = (problem: string, wait: number) => note(`${problem}; reconnecting in ${(wait / 1000).toFixed(1)} s`)
  const headers = authorizationOf(token)
  for await (const event of readEvents({ url, channels, from, headers, signal: stopping.signal, onLost })) {
    if (event.event === 'ready') note(`connected to ${withoutPassword(url)}, after position ${positionOf(event.id)}`)
    else if (event.event === 'gap') note(`gap: ${event.data}: these events are no longer available`)
    // `closing` is part of the message about the lost connection.
    else if (event.event !== 'heartbeat' && event.event !== 'closing') process.stdout.write(`${show(event)}\n`)
  }
}

/** The data may hold line breaks between its tokens; one event is one line. `cursor` is what `--from` takes. */
const jsonLine = ({ id, data }: ReceivedEvent) =>
  escapeControls(`{"position":${positionOf(id)},"cursor":${JSON.stringify(id)},${oneLine(data).slice(1)}`)

/** The position of a cursor, for display; `null` where the server gave none. */
const positionOf = (id: string) => parseLogCursor(id)?.position ?? null

const personLine = (paint: ReturnType<typeof createPainter>) => (event: ReceivedEvent) => {
  const { channel, type, time } = JSON.parse(event.data) as { channel: string; type: string; time: string }
  const data = oneLine(event.data.slice(event.data.indexOf('"data":') + 7, event.data.lastIndexOf(',"time":')))
  const parts = [
    paint('dim', escapeControls(`${time.slice(11, 23)} ${String(positionOf(event.id)).padStart(6)}`)),
    paint('cyan', escapeControls(channel)),
    paint('bold', escapeControls(type)),
    escapeControls(data),
  ]
  return parts.join(' ')
}

/** Line breaks and tabs inside JSON strings are escaped, so those in the text are between tokens. */
const oneLine = (json: string) => json.replace(/[\r\n\t]+\s*/g, ' ')
