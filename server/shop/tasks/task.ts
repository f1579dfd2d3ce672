import { AppError } from '../../platform/errors.ts'
import type { Task, TaskState } from './schema.ts'

/** What a person may do with a task, besides renaming it. */
export type TaskAction = 'cancel' | 'retry' | 'delete'

const ACTIONS: Readonly<Record<TaskState, readonly TaskAction[]>> = {
  queued: ['cancel'],
  running: ['cancel'],
  succeeded: ['delete'],
  failed: ['retry', 'delete'],
  cancelled: ['retry', 'delete'],
}

/** @throws {AppError} `task.illegal_action` (409) with what is `allowed` */
export function checkAction({ id, state }: Pick<Task, 'id' | 'state'>, action: TaskAction): void {
  const allowed = ACTIONS[state]
  if (allowed.includes(action)) return
  throw new AppError(
    'task.illegal_action',
    `Task ${id} is ${state}: it is too late or too early to ${action} it; possible is ${allowed.join(' or ')}.`,
    { status: 409, extensions: { allowed, current: state } },
  )
}

/** @param expected versions of `If-Match`; `undefined` for any. @throws {AppError} `task.version_conflict` (412) */
export function checkVersion(
  { id, version }: Pick<Task, 'id' | 'version'>,
  expected: readonly number[] | undefined,
): void {
  if (expected === undefined || expected.includes(version)) return
  throw new AppError(
    'task.version_conflict',
    `Task ${id} was changed meanwhile: it has version ${version}. Read it again and decide anew.`,
    { status: 412, extensions: { version } },
  )
}

/** Attempts of a task until it counts as failed. */
export const MAX_FAILURES = 3

/** Seconds until the next attempt: 1, 4, 16, … and up to half as much more, so that many don't come back at once. */
export const backOff = (failures: number): number => 4 ** (failures - 1) * (1 + Math.random() / 2)

export const channelOf = ({ owner, id }: Pick<Task, 'owner' | 'id'>): string => `tasks.${owner}.${id}`
