import { HISTORY_PAGE } from '../../../server/protocol/limits.ts'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { UNREACHABLE } from '../ui/messages.ts'

/**
 * The events of a task, oldest first; of consecutive progress events only the last.
 *
 * @throws {Error} with a message for the user
 */
export async function readHistory({ owner, id }: Pick<Task, 'owner' | 'id'>): Promise<StreamEvent[]> {
  const query = new URLSearchParams({
    channel: `tasks.${owner}.${id}`,
    before: 'latest',
    limit: String(HISTORY_PAGE.max),
  })
  const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json' } }).catch(() => undefined)
  if (!response?.ok) throw new Error(UNREACHABLE)
  const { events } = (await response.json()) as { events: StreamEvent[] }
  return condense(events.toReversed())
}

/** Leaves out each progress event that another one follows. @param events oldest first */
export const condense = (events: readonly StreamEvent[]): StreamEvent[] =>
  events.filter(({ type }, index) => type !== 'task.progress' || events[index + 1]?.type !== 'task.progress')

/** What a step of the timeline says besides the name of its event, such as `attempt 2 · 40 % · Counting`. */
export const summaryOf = ({ attempt, progress, step }: Task): string =>
  [attempt > 0 && `attempt ${attempt}`, progress > 0 && `${Math.round(progress)} %`, step].filter(Boolean).join(' · ')
