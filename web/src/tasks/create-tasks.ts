import { type Accessor, createMemo, createSignal, on } from 'solid-js'
import type { Task, TaskState } from '../../../server/shop/tasks/schema.ts'
import { channelsOfRows } from '../live/access.ts'
import { api, ask } from '../live/api.ts'
import { type Collection, createCollection } from '../live/create-collection.ts'
import { loadNewest } from '../live/load-newest.ts'
import { payloadOf } from '../live/stream.ts'

const PAGE = 100
/** Maximum number of tasks on the page, unless the user asks for older ones. */
const MAX_TASKS = 300

/** A state, or all of them. */
export type TaskFilter = TaskState | 'all'

/** The newest tasks of a filter, live. */
export interface Tasks {
  collection: Accessor<Collection<Task>>
  filter: Accessor<TaskFilter>
  /** Shows the tasks of another filter. */
  select: (filter: TaskFilter) => void
  /** Whether there are older tasks than those that are loaded. */
  isPartial: Accessor<boolean>
  /** Loads one more page of older tasks. */
  showOlder: () => void
}

/** The list lives as long as the component that creates it. */
export function createTasks(): Tasks {
  const [filter, setFilter] = createSignal<TaskFilter>('all')
  const [isPartial, setIsPartial] = createSignal(false)
  /** Number of tasks to load. */
  const [wanted, setWanted] = createSignal(PAGE)
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
        channels: channelsOfRows('tasks'),
        effectOf(event) {
          const { task } = payloadOf(event, 'task')
          if (!task) return undefined
          return event.type === 'task.deleted' ? { remove: task.id } : { put: task }
        },
      }),
    ),
  )
  return {
    collection,
    filter,
    isPartial,
    select(state) {
      setWanted(PAGE)
      setFilter(state)
    },
    showOlder() {
      setWanted(collection().ids().length + PAGE)
      collection().reload()
    },
  }
}

const pageOf = async (state: TaskFilter, before?: number) => {
  const query = { limit: PAGE, ...(state !== 'all' && { state }), ...(before !== undefined && { before }) }
  const { tasks, ...page } = await ask(api.tasks.get({ query }))
  return { ...page, rows: tasks }
}
