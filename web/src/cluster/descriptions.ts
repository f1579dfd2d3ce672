import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { formatDuration, formatNumber } from '../ui/format.ts'

type Instance = ClusterView['instances'][number]

/** Whether an instance receives notifications; `draining` while it stops. */
export function listeningState({ isDraining, isListening }: Instance['status']): 'draining' | 'yes' | 'no' {
  if (isDraining) return 'draining'
  return isListening ? 'yes' : 'no'
}

const TRANSPORT_NAMES = { sse: 'SSE', websocket: 'WebSocket', poll: 'long-polling' } as const

/** How many streams of an instance use which transport; empty while all use SSE. */
export function transportCounts({ transports = { sse: 0, websocket: 0, poll: 0 } }: Instance['status']): string {
  if (transports.websocket + transports.poll === 0) return ''
  return Object.entries(TRANSPORT_NAMES)
    .map(([transport, name]) => [transports[transport as keyof typeof TRANSPORT_NAMES], name] as const)
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${formatNumber(count)} ${name}`)
    .join(' · ')
}

/** What the relay of an instance has done; only one instance relays at a time. */
export const relayState = ({ relaying, relayed }: Instance['status']): string =>
  `${relaying ? 'active · ' : ''}${formatNumber(relayed)} moved`

/** How long, and how many, events are retained; 0 means no limit. */
export const retentionLimits = ({ retentionMs, retentionEvents }: ClusterView['settings']) => ({
  time: retentionMs ? formatDuration(retentionMs) : 'no limit',
  count: retentionEvents ? `${formatNumber(retentionEvents)} events` : 'no limit',
})
