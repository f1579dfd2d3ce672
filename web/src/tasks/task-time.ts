import type { Task } from '../../../server/shop/tasks/schema.ts'
import { formatDuration } from '../ui/format.ts'

/**
 * How long a task has been waiting or running, how long it took, or when it is tried again.
 *
 * @param now milliseconds since the epoch
 */
export function taskTime({ startedAt, endedAt, nextAttemptAt, createdAt }: Task, now: number): string {
  if (nextAttemptAt) return `retry in ${formatDuration(Date.parse(nextAttemptAt) - now)}`
  if (endedAt) return `took ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt ?? endedAt))}`
  if (startedAt) return `running for ${formatDuration(now - Date.parse(startedAt))}`
  return `waiting for ${formatDuration(now - Date.parse(createdAt))}`
}
