import { createSignal, For, type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { api, ask } from '../live/api.ts'
import type { Collection } from '../live/create-collection.ts'
import { showNotice } from '../live/notice.ts'
import { DeleteTask } from './delete-task.tsx'
import { TaskRow } from './task-row.tsx'

/** The rows of a list of tasks, with the actions that each allows. */
export function TaskList(props: { tasks: Collection<Task>; onTimeline: (id: number) => void }): JSX.Element {
  let list: HTMLUListElement | undefined
  const act = async (id: number, action: () => Promise<Task | undefined>) => {
    const index = props.tasks.ids().indexOf(id)
    try {
      const task = await action()
      if (task) props.tasks.put(task)
    } catch (error) {
      showNotice((error as Error).message)
    }
    // When the button has disappeared, the keyboard focus moves to this task, or to the one that took its place.
    if (document.activeElement === document.body)
      list?.children[index]?.querySelector<HTMLElement>('button, a')?.focus()
  }
  const [unwanted, setUnwanted] = createSignal<number>()
  const unwantedTask = () => {
    const id = unwanted()
    return id === undefined ? undefined : props.tasks.rows[id]
  }
  const confirmRemoval = () => {
    const id = unwanted()
    setUnwanted(undefined)
    if (id !== undefined) void act(id, () => remove(id))
  }
  const remove = async (id: number) => {
    await ask(api.tasks({ id }).delete())
    props.tasks.remove(id)
    return undefined
  }
  return (
    <>
      <ul
        class="tasks"
        ref={(element) => {
          list = element
        }}
      >
        <For each={props.tasks.ids()}>
          {(id) => (
            <Show when={props.tasks.rows[id]}>
              {(task) => (
                <TaskRow
                  task={task()}
                  onCancel={() => void act(id, () => ask(api.tasks({ id }).cancel.post()))}
                  onRetry={() => void act(id, () => ask(api.tasks({ id }).retry.post()))}
                  onDelete={() => setUnwanted(id)}
                  onTimeline={() => props.onTimeline(id)}
                />
              )}
            </Show>
          )}
        </For>
      </ul>
      <DeleteTask task={unwantedTask()} onConfirm={confirmRemoval} onClose={() => setUnwanted(undefined)} />
    </>
  )
}
