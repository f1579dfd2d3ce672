import { createMemo, createSignal, For, type JSX, on, Show } from 'solid-js'
import type { Task, TaskState } from '../../../server/shop/tasks/schema.ts'
import { api, ask } from '../live/api.ts'
import { createCollection } from '../live/create-collection.ts'
import { loadNewest } from '../live/load-newest.ts'
import { showNotice } from '../live/notice.ts'
import { payloadOf } from '../live/stream.ts'
import { States } from '../ui/states.tsx'
import { StartTask } from './start-task.tsx'
import { TaskRow } from './task-row.tsx'
import { Timeline } from './timeline.tsx'

const LIMIT = 100
/** Tasks on the page, until older ones are asked for. */
const MAX_TASKS = 300
const FILTERS: readonly (TaskState | 'all')[] = ['all', 'queued', 'running', 'succeeded', 'failed', 'cancelled']

/** All tasks, live: what runs anywhere moves here. */
export default function Tasks(): JSX.Element {
  const [filter, setFilter] = createSignal<TaskState | 'all'>('all')
  const [isPartial, setIsPartial] = createSignal(false)
  /** How many to read; more when older ones are asked for. */
  const [wanted, setWanted] = createSignal(LIMIT)
  const collection = createMemo(
    on(filter, (state) =>
      createCollection<Task>({
        load: async () => {
          const newest = await loadNewest(wanted(), (before) => pageOf(state, before))
          return { ...newest, onTaken: () => setIsPartial(newest.isPartial) }
        },
        isWanted: (task) => state === 'all' || task.state === state,
        max: () => Math.max(MAX_TASKS, wanted()),
        onDropped: () => setIsPartial(true),
        channels: ['tasks.>'],
        effectOf(event) {
          const { task } = payloadOf(event, 'task')
          if (!task) return undefined
          return event.type === 'task.deleted' ? { remove: task.id } : { put: task }
        },
      }),
    ),
  )
  const select = (state: TaskState | 'all') => {
    setWanted(LIMIT)
    setFilter(state)
  }
  const [watched, setWatched] = createSignal<number>()
  const tasks = () => collection()
  const shown = () => tasks().ids()
  const showOlder = () => {
    setWanted(shown().length + LIMIT)
    tasks().reload()
  }
  let list: HTMLUListElement | undefined
  /** @param id of the task that it is about */
  const act = async (id: number, action: () => Promise<Task | undefined>) => {
    const place = shown().indexOf(id)
    try {
      const task = await action()
      if (task) tasks().put(task)
    } catch (error) {
      showNotice((error as Error).message)
    }
    // The button has gone with what it did: who works with the keyboard goes on with this task, or the next.
    if (document.activeElement === document.body)
      list?.children[place]?.querySelector<HTMLElement>('button, a')?.focus()
  }
  const watchedTask = () => {
    const id = watched()
    return id === undefined ? undefined : tasks().rows[id]
  }
  return (
    <>
      <div class="page-title">
        <h1>Tasks</h1>
        <p class="muted">Started here or anywhere, run by any instance, live in every browser.</p>
      </div>
      <StartTask onStarted={(task) => tasks().put(task)} />
      <section class="card" aria-labelledby="tasks-title">
        <header>
          <h2 id="tasks-title">Newest first</h2>
          <label class="inline">
            <span class="visually-hidden">Show tasks that are</span>
            <select value={filter()} onChange={(event) => select(event.currentTarget.value as TaskState | 'all')}>
              <For each={FILTERS}>{(state) => <option value={state}>{state}</option>}</For>
            </select>
          </label>
        </header>
        <States
          state={tasks().state()}
          error={tasks().error()}
          isEmpty={shown().length === 0 && !isPartial()}
          empty={filter() === 'all' ? 'No task was started yet. A demo is the quickest.' : `No task is ${filter()}.`}
          onRetry={() => tasks().reload()}
        >
          <ul
            class="tasks"
            ref={(element) => {
              list = element
            }}
          >
            <For each={shown()}>
              {(id) => (
                <Show when={tasks().rows[id]}>
                  {(task) => (
                    <TaskRow
                      task={task()}
                      onCancel={() => void act(id, () => ask(api.tasks({ id }).cancel.post()))}
                      onRetry={() => void act(id, () => ask(api.tasks({ id }).retry.post()))}
                      onDelete={() =>
                        void act(id, async () => {
                          await ask(api.tasks({ id }).delete())
                          tasks().remove(id)
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

const pageOf = async (state: TaskState | 'all', before?: number) => {
  const query = { limit: LIMIT, ...(state !== 'all' && { state }), ...(before !== undefined && { before }) }
  const { tasks, ...page } = await ask(api.tasks.get({ query }))
  return { ...page, rows: tasks }
}
