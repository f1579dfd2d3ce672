import { AppError } from '../../platform/errors.ts'
import type { Task, TaskState } from './schema.ts'

/** What a user may do with a task, besides renaming it. */
export type TaskAction = 'cancel' | 'retry' | 'delete'

const ACTIONS: Readonly<Record<TaskState, readonly TaskAction[]>> = {
  queued: ['cancel'],
  running: ['cancel'],
  succeeded: ['delete'],
  failed: ['retry', 'delete'],
  cancelled: ['retry', 'delete'],
}

/** @throws {AppError} `task.illegal_action` (409) with the `current` state and the actions that it has `allowed` */
export function checkAction({ id, state }: Pick<Task, 'id' | 'state'>, action: TaskAction): void {
  const allowed = ACTIONS[state]
  if (allowed.includes(action)) return
  throw new AppError(
    'task.illegal_action',
    `Task ${id} is ${state}: this state allows no ${action}, only ${allowed.join(' or ')}.`,
    { status: 409, extensions: { allowed, current: state } },
  )
}

/** Failed attempts after which a task is `failed`. */
export const MAX_FAILURES = 3

/** Seconds until the next attempt: 1, 4, 16, … and up to half as much more, so that many are not retried at once. */
export const backOff = (failures: number): number => 4 ** (failures - 1) * (1 + Math.random() / 2)

/** The channel of the events of a task: `tasks.<owner>.<id>`. */
export const channelOf = ({ owner, id }: Pick<Task, 'owner' | 'id'>): string => `tasks.${owner}.${id}`
