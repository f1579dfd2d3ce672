import { For, type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { formatBytes, now } from '../ui/format.ts'
import { taskTime } from './task-time.ts'

interface TaskRowProps {
  task: Task
  onCancel: () => void
  onRetry: () => void
  onDelete: () => void
  onTimeline: () => void
}

/** One task: its progress, its files, and the actions that its state allows. */
export function TaskRow(props: TaskRowProps): JSX.Element {
  const isActive = () => props.task.state === 'queued' || props.task.state === 'running'
  return (
    <li class="task" data-state={props.task.state} aria-label={`Task ${props.task.id}: ${props.task.description}`}>
      <div class="task-head">
        <span class="tag" data-state={props.task.state}>
          {props.task.state}
        </span>
        <strong>{props.task.description}</strong>
        <span class="muted">
          #{props.task.id} · {props.task.owner} · <span class="number">{taskTime(props.task, now())}</span>
          <Show when={props.task.attempt > 1}> · attempt {props.task.attempt}</Show>
        </span>
      </div>
      <div class="task-progress">
        <div
          class="bar"
          role="progressbar"
          aria-label={`Progress of task ${props.task.id}`}
          aria-valuemin="0"
          aria-valuemax="100"
          aria-valuenow={Math.round(props.task.progress)}
        >
          <div style={{ transform: `scaleX(${props.task.progress / 100})` }} />
        </div>
        <span class="number">{Math.round(props.task.progress)} %</span>
      </div>
      <p class="muted task-step">
        <Show when={props.task.error && !isActive()} fallback={props.task.step || ' '}>
          <span class="error">{props.task.error}</span>
        </Show>
        <Show when={props.task.kind === 'import' && props.task.result}>
          {(result) => ` — ${result().imported} imported, ${result().rejected} rejected`}
        </Show>
      </p>
      <div class="row">
        <For each={props.task.files}>
          {(file) => (
            <a class="button" href={`/api/tasks/${props.task.id}/files/${file.name}`} target="_blank" rel="noreferrer">
              {file.name} <span class="muted">{formatBytes(file.bytes)}</span>
            </a>
          )}
        </For>
        <Show when={isActive()}>
          <button type="button" onClick={() => props.onCancel()}>
            Cancel
          </button>
        </Show>
        <Show when={props.task.state === 'failed' || props.task.state === 'cancelled'}>
          <button type="button" onClick={() => props.onRetry()}>
            Retry
          </button>
        </Show>
        <button type="button" class="ghost" onClick={() => props.onTimeline()}>
          Timeline
        </button>
        <Show when={!isActive()}>
          <button type="button" class="ghost" onClick={() => props.onDelete()}>
            Delete
          </button>
        </Show>
      </div>
    </li>
  )
}
