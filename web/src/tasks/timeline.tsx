import { createResource, For, type JSX, Show } from 'solid-js'
import { HISTORY_PAGE } from '../../../server/protocol/limits.ts'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { Dialog } from '../ui/dialog.tsx'
import { formatTime } from '../ui/format.ts'
import { States } from '../ui/states.tsx'

/** What happened to a task, from the log: its events are its history. */
export function Timeline(props: { task: Task | undefined; onClose: () => void }): JSX.Element {
  // Read anew when the state changes; progress alone is too much to show.
  const [events, { refetch }] = createResource(
    () => props.task && `${props.task.owner}.${props.task.id} ${props.task.state} ${props.task.attempt}`,
    async (key) => {
      const query = new URLSearchParams({
        channel: `tasks.${key.split(' ')[0]}`,
        before: 'latest',
        limit: String(HISTORY_PAGE.max),
      })
      const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json' } }).catch(
        () => undefined,
      )
      if (!response?.ok) throw new Error('The server does not answer.')
      const { events: all } = (await response.json()) as { events: StreamEvent[] }
      all.reverse()
      return all.filter(({ type }, index) => type !== 'task.progress' || all[index + 1]?.type !== 'task.progress')
    },
  )
  return (
    <Dialog
      title={props.task ? `Task ${props.task.id}: ${props.task.description}` : ''}
      isOpen={props.task !== undefined}
      onClose={props.onClose}
    >
      <States
        state={events.error ? 'failed' : events.latest ? 'ready' : 'loading'}
        error={String(events.error?.message)}
        isEmpty={events.latest?.length === 0}
        empty="Its events are older than those that are kept."
        onRetry={() => void refetch()}
      >
        <ol class="timeline">
          <For each={events.latest ?? []}>
            {(event) => {
              const task = (event.data as { task: Task }).task
              return (
                <li data-state={task.state}>
                  <span class="number muted">{formatTime(event.time)}</span>
                  <strong>{event.type.slice('task.'.length)}</strong>
                  <span class="muted">
                    {[
                      task.attempt > 0 && `attempt ${task.attempt}`,
                      task.progress > 0 && `${Math.round(task.progress)} %`,
                      task.step,
                    ]
                      .filter(Boolean)
                      .join(' · ')}
                    <Show when={task.error}> — {task.error}</Show>
                  </span>
                </li>
              )
            }}
          </For>
        </ol>
      </States>
    </Dialog>
  )
}
