import type { ClusterView } from '../../../server/operations/cluster-schema.ts'
import { formatDuration, formatNumber } from '../ui/format.ts'

type Instance = ClusterView['instances'][number]

/** Whether an instance receives notifications; `draining` while it stops. */
export function listeningState({ isDraining, isListening }: Instance['status']): 'draining' | 'yes' | 'no' {
  if (isDraining) return 'draining'
  return isListening ? 'yes' : 'no'
}

/** What the relay of an instance has done; only one instance relays at a time. */
export const relayState = ({ relaying, relayed }: Instance['status']): string =>
  `${relaying ? 'active · ' : ''}${formatNumber(relayed)} moved`

/** How long, and how many, events are retained; 0 means no limit. */
export const retentionLimits = ({ retentionMs, retentionEvents }: ClusterView['settings']) => ({
  time: retentionMs ? formatDuration(retentionMs) : 'no limit',
  count: retentionEvents ? `${formatNumber(retentionEvents)} events` : 'no limit',
})
