import { type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { Dialog } from '../ui/dialog.tsx'

interface DeleteTaskProps {
  /** The task to delete; `undefined` closes the dialog. */
  task: Task | undefined
  onConfirm: () => void
  onClose: () => void
}

/** A dialog that asks whether a task is to be deleted. */
export function DeleteTask(props: DeleteTaskProps): JSX.Element {
  return (
    <Dialog
      title={props.task ? `Delete task ${props.task.id}?` : ''}
      isOpen={props.task !== undefined}
      onClose={props.onClose}
    >
      <p>
        {props.task?.description}
        <Show when={props.task?.files.length}> and its files are</Show>
        <Show when={!props.task?.files.length}> is</Show> deleted for all users. This can not be undone.
      </p>
      <div class="row dialog-actions">
        <button type="button" class="danger" onClick={() => props.onConfirm()}>
          Delete task
        </button>
        <button type="button" onClick={() => props.onClose()}>
          Keep task
        </button>
      </div>
    </Dialog>
  )
}
