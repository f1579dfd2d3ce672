import { createResource, For, type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { Dialog } from '../ui/dialog.tsx'
import { formatTime } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { readHistory, summaryOf } from './history.ts'

/** A dialog with the history of a task: its events in the log. */
export function Timeline(props: { task: Task | undefined; onClose: () => void }): JSX.Element {
  // Read again when the state changes. Progress alone would cause too many reads.
  const [events, { refetch }] = createResource(
    () => props.task && `${props.task.id} ${props.task.state} ${props.task.attempt}`,
    () => (props.task ? readHistory(props.task) : []),
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
        empty="The events of this task were purged by retention."
        onRetry={() => void refetch()}
      >
        <ol class="timeline">
          <For each={events.latest ?? []}>{(event) => <TimelineStep event={event} />}</For>
        </ol>
      </States>
    </Dialog>
  )
}

function TimelineStep(props: { event: StreamEvent }): JSX.Element {
  const task = () => (props.event.data as { task: Task }).task
  return (
    <li data-state={task().state}>
      <span class="number muted">{formatTime(props.event.time)}</span>
      <strong>{props.event.type.slice('task.'.length)}</strong>
      <span class="muted">
        {summaryOf(task())}
        <Show when={task().error}> — {task().error}</Show>
      </span>
    </li>
  )
}
