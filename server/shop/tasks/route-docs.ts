import { Type } from '@sinclair/typebox'
import { detail } from '../../http/describe-route.ts'
import { NextPage, pageParameters } from '../../http/paging.ts'
import { IdInAddress, NoQuery } from '../../http/parameters.ts'
import { ChannelToken, Cursor } from '../../protocol/schema.ts'
import { Description, NewTask, Task, TaskKind, TaskState } from './schema.ts'

const params = Type.Object({ id: IdInAddress })
/** Whose tasks a request reads and changes. */
const OWN =
  'A user reads and changes their own tasks only: another one is unknown (404). An operator reads and changes all.'
const HEADERS = ['X-User', 'X-Client-Id'] as const
const CHANGE_HEADERS = ['X-User', 'X-Client-Id', 'If-Match'] as const
const ACTION_ERRORS = ['task.unknown', 'task.illegal_action', 'task.version_conflict', 'if_match.invalid'] as const

/** `GET /api/tasks`. */
export const LIST = {
  query: Type.Object({
    state: Type.Optional(TaskState),
    kind: Type.Optional(TaskKind),
    owner: Type.Optional(ChannelToken('whose tasks', ['bob'])),
    ...pageParameters,
  }),
  response: Type.Object({ tasks: Type.Array(Task), next: NextPage, cursor: Cursor }),
  detail: detail({
    summary: 'Tasks, newest first',
    description: 'A user sees their own tasks, and gets 403 for another `owner`; an operator sees all.',
    headers: HEADERS,
    responseHeaders: ['X-Cursor'],
  }),
}

/** `POST /api/tasks`. */
export const START = {
  query: NoQuery,
  body: NewTask,
  response: { 202: Task },
  detail: detail({
    summary: 'Start a task',
    description: 'A report reads the orders of all customers: only an operator may start it (403 otherwise).',
    headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
    errors: ['key.deleted', 'key.invalid', 'key.reused', 'report.period_invalid', 'storage.exceeded', 'tasks.too_many'],
    responseHeaders: ['Location', 'ETag'],
  }),
}

/** `GET /api/tasks/count`. */
export const COUNT = {
  query: NoQuery,
  response: Type.Object({ counts: Type.Record(Type.String(), Type.Integer()), cursor: Cursor }),
  detail: detail({
    summary: 'How many tasks there are, by state',
    description: "Of the user's own tasks; for an operator, of all.",
    headers: HEADERS,
    responseHeaders: ['X-Cursor'],
  }),
}

/** `GET /api/tasks/:id`. */
export const READ = {
  query: NoQuery,
  params,
  response: Type.Composite([Task, Type.Object({ cursor: Cursor })]),
  detail: detail({
    summary: 'One task',
    description: OWN,
    headers: HEADERS,
    errors: ['task.unknown'],
    responseHeaders: ['X-Cursor', 'ETag'],
  }),
}

/** `PATCH /api/tasks/:id`. */
export const RENAME = {
  query: NoQuery,
  params,
  body: Type.Object({ description: Description }, { additionalProperties: false }),
  response: Task,
  detail: detail({
    summary: 'Rename a task',
    description: OWN,
    headers: CHANGE_HEADERS,
    errors: ['task.unknown', 'task.version_conflict', 'if_match.invalid'],
    responseHeaders: ['ETag'],
  }),
}

/** `DELETE /api/tasks/:id`. */
export const REMOVE = {
  query: NoQuery,
  params,
  detail: detail({
    summary: 'Delete a task that has ended, and its files',
    description: OWN,
    headers: CHANGE_HEADERS,
    errors: ACTION_ERRORS,
    operation: { responses: { 204: { description: 'Done.' } } },
  }),
}

/** `POST /api/tasks/:id/cancel`. */
export const CANCEL = {
  query: NoQuery,
  params,
  parse: 'none',
  response: Task,
  detail: detail({
    summary: 'Cancel a task; a running one stops within a second',
    description: OWN,
    headers: CHANGE_HEADERS,
    errors: ACTION_ERRORS,
    responseHeaders: ['ETag'],
  }),
} as const

/** `POST /api/tasks/:id/retry`. */
export const RETRY = {
  query: NoQuery,
  params,
  parse: 'none',
  response: { 202: Task },
  detail: detail({
    summary: 'Run a task again that failed or was cancelled; an import resumes where it stopped',
    description: `${OWN} Only an operator may run reports and imports again (403 otherwise).`,
    headers: CHANGE_HEADERS,
    errors: [...ACTION_ERRORS, 'tasks.too_many'],
    responseHeaders: ['ETag'],
  }),
} as const

/** `GET /api/tasks/:id/files/:name`. */
export const DOWNLOAD = {
  query: NoQuery,
  params: Type.Object({ id: IdInAddress, name: Type.String({ pattern: '^[\\w.-]{1,200}$' }) }),
  detail: detail({
    summary: 'Download a file that a task has produced',
    description:
      "A user downloads files of their own tasks only: another task's file is unknown (404). An operator downloads all.",
    headers: HEADERS,
    errors: ['file.unknown'],
    operation: {
      responses: {
        200: {
          description: 'The file.',
          content: {
            'text/csv': { example: 'dimension,key,currency,orders,quantity,revenue_minor\n' },
            'text/html': { example: '<!doctype html>' },
          },
        },
      },
    },
  }),
}
