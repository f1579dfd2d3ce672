import { createSignal, For, type JSX, Show } from 'solid-js'
import type { Task, TaskState } from '../../../server/tasks/schema.ts'
import { api, ask } from '../live/api.ts'
import { createCollection } from '../live/create-collection.ts'
import { payloadOf } from '../live/stream.ts'
import { States } from '../ui/states.tsx'
import { StartTask } from './start-task.tsx'
import { TaskRow } from './task-row.tsx'
import { Timeline } from './timeline.tsx'

const LIMIT = 100
const FILTERS: readonly (TaskState | 'all')[] = ['all', 'queued', 'running', 'succeeded', 'failed', 'cancelled']

/** All tasks, live: what runs anywhere moves here. */
export default function Tasks(): JSX.Element {
  /** Tasks before this id are not here yet. */
  const [older, setOlder] = createSignal<number | null>(null)
  const tasks = createCollection<Task>({
    load: async () => {
      const { tasks: rows, cursor, next } = await ask(api.tasks.get({ query: { limit: LIMIT } }))
      return { rows, cursor, onTaken: () => setOlder(next) }
    },
    channels: ['tasks.>'],
    effectOf(event) {
      const { task } = payloadOf(event, 'task')
      if (!task) return undefined
      return event.type === 'task.deleted' ? { remove: task.id } : { put: task }
    },
  })
  const [filter, setFilter] = createSignal<TaskState | 'all'>('all')
  const [watched, setWatched] = createSignal<number>()
  const [problem, setProblem] = createSignal('')
  const shown = () => tasks.ids().filter((id) => filter() === 'all' || tasks.rows[id]?.state === filter())
  const showOlder = async (before: number) => {
    setProblem('')
    try {
      const page = await ask(api.tasks.get({ query: { limit: LIMIT, before } }))
      for (const task of page.tasks) tasks.put(task)
      setOlder(page.next)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  const act = async (action: () => Promise<Task | undefined>) => {
    setProblem('')
    try {
      const task = await action()
      if (task) tasks.put(task)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  const watchedTask = () => {
    const id = watched()
    return id === undefined ? undefined : tasks.rows[id]
  }
  return (
    <>
      <div class="page-title">
        <h1>Tasks</h1>
        <p class="muted">Started here or anywhere, run by any instance, live in every browser.</p>
      </div>
      <StartTask onStarted={tasks.put} />
      <Show when={problem()}>
        <p class="notice error" role="alert">
          {problem()}
        </p>
      </Show>
      <section class="card" aria-labelledby="tasks-title">
        <header>
          <h2 id="tasks-title">Newest first</h2>
          <label class="inline">
            <span class="visually-hidden">Show tasks that are</span>
            <select value={filter()} onChange={(event) => setFilter(event.currentTarget.value as TaskState | 'all')}>
              <For each={FILTERS}>{(state) => <option value={state}>{state}</option>}</For>
            </select>
          </label>
        </header>
        <States
          state={tasks.state()}
          error={tasks.error()}
          isEmpty={shown().length === 0}
          empty={filter() === 'all' ? 'No task was started yet. A demo is the quickest.' : `No task is ${filter()}.`}
          onRetry={tasks.reload}
        >
          <ul class="tasks">
            <For each={shown()}>
              {(id) => (
                <Show when={tasks.rows[id]}>
                  {(task) => (
                    <TaskRow
                      task={task()}
                      onCancel={() => void act(() => ask(api.tasks({ id }).cancel.post()))}
                      onRetry={() => void act(() => ask(api.tasks({ id }).retry.post()))}
                      onDelete={() =>
                        void act(async () => {
                          await ask(api.tasks({ id }).delete())
                          tasks.remove(id)
                          return undefined
                        })
                      }
                      onTimeline={() => setWatched(id)}
                    />
                  )}
                </Show>
              )}
            </For>
          </ul>
          <Show when={older()}>
            {(before) => (
              <p class="empty">
                <button type="button" onClick={() => void showOlder(before())}>
                  Show older tasks
                </button>
              </p>
            )}
          </Show>
        </States>
      </section>
      <Timeline task={watchedTask()} onClose={() => setWatched(undefined)} />
    </>
  )
}
