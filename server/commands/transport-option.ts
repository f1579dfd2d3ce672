import { Option } from 'commander'
import { TRANSPORTS, type Transport } from '../protocol/transport.ts'

/** Value of `--transport`. */
export type TransportChoice = Transport | 'mixed'

/** The option `--transport`: how the streams of a run are connected. */
export const transportOption = () =>
  new Option(
    '--transport <transport>',
    'how the streams are connected: Server-Sent Events, WebSockets, long-polling, or each next one by another of them',
  )
    .choices([...TRANSPORTS, 'mixed'])
    .default('sse')

/** The transports of a choice. */
export const transportsOf = (choice: TransportChoice): readonly Transport[] =>
  choice === 'mixed' ? TRANSPORTS : [choice]
