import { createSignal, For, type JSX, Show } from 'solid-js'
import { States } from '../ui/states.tsx'
import { createTasks, type TaskFilter } from './create-tasks.ts'
import { StartTask } from './start-task.tsx'
import { TaskList } from './task-list.tsx'
import { Timeline } from './timeline.tsx'

const FILTERS: readonly TaskFilter[] = ['all', 'queued', 'running', 'succeeded', 'failed', 'cancelled']

/** The page of the tasks: forms that start one, and all tasks with their progress. */
export default function Tasks(): JSX.Element {
  const { collection, filter, select, isPartial, showOlder } = createTasks()
  const [watched, setWatched] = createSignal<number>()
  const watchedTask = () => {
    const id = watched()
    return id === undefined ? undefined : collection().rows[id]
  }
  return (
    <>
      <div class="page-title">
        <h1>Tasks</h1>
        <p class="muted">Background jobs of all users. Any instance runs them; progress is live in every browser.</p>
      </div>
      <StartTask onStarted={(task) => collection().put(task)} />
      <section class="card" aria-labelledby="tasks-title">
        <header>
          <h2 id="tasks-title">Tasks, newest first</h2>
          <label class="inline">
            <span class="visually-hidden">Filter by state</span>
            <select value={filter()} onChange={(event) => select(event.currentTarget.value as TaskFilter)}>
              <For each={FILTERS}>{(state) => <option value={state}>{state}</option>}</For>
            </select>
          </label>
        </header>
        <States
          state={collection().state()}
          error={collection().error()}
          isEmpty={collection().ids().length === 0 && !isPartial()}
          empty={filter() === 'all' ? 'There are no tasks yet. Start a demo above.' : `There are no ${filter()} tasks.`}
          onRetry={() => collection().reload()}
        >
          <TaskList tasks={collection()} onTimeline={setWatched} />
          <Show when={isPartial()}>
            <p class="empty">
              <button type="button" onClick={showOlder}>
                Show older tasks
              </button>
            </p>
          </Show>
        </States>
      </section>
      <Timeline task={watchedTask()} onClose={() => setWatched(undefined)} />
    </>
  )
}
