import { Option } from 'commander'
import { TRANSPORTS } from '../protocol/transport.ts'

/** The option `--transport`: how the streams of a run are connected. */
export const transportOption = () =>
  new Option(
    '--transport <transport>',
    'how the streams are connected: Server-Sent Events, WebSockets, long-polling, or each next one by another of them',
  )
    .choices([...TRANSPORTS, 'mixed'])
    .default('sse')
