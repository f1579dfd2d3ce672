import { Type } from '@sinclair/typebox'
import { Elysia, t } from 'elysia'
import { identify } from '../../auth/identity.ts'
import type { Bodies } from '../../http/body.ts'
import { detail } from '../../http/describe-route.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, SMALL_BODY } from '../../http/json-body.ts'
import { IdInAddress, NoQuery } from '../../http/parameters.ts'
import { otherMethods } from '../../http/problem.ts'
import { etagOf, ifMatch } from '../../http/request-headers.ts'
import { LIST_PAGE } from '../../protocol/limits.ts'
import { ChannelToken, Cursor, Nullable } from '../../protocol/schema.ts'
import type { Files } from './files.ts'
import { PAGE_POLICY } from './kinds/report-page.ts'
import { Description, NewTask, Task, TaskKind, TaskState } from './schema.ts'
import type { Tasks } from './tasks.ts'

export interface TaskRoutesOptions {
  tasks: Tasks
  files: Files
  bodies: Bodies
}

const Id = t.Object({ id: IdInAddress })
const Renaming = t.Object({ description: Description }, { additionalProperties: false })
const TaskAtCursor = t.Composite([Task, t.Object({ cursor: Cursor })])
const TaskList = t.Object({
  tasks: t.Array(Task),
  next: Nullable(Type.Integer({ description: '`before` of the next page' })),
  cursor: Cursor,
})

/** `/api/tasks`. */
export const taskRoutes = ({ tasks, files, bodies }: TaskRoutesOptions) => {
  return new Elysia({ name: 'tasks', prefix: '/api/tasks', tags: ['tasks'] })
    .get(
      '/',
      async ({ query, set }) => {
        const { limit = LIST_PAGE.default, ...filter } = query
        const page = await tasks.list({ ...filter, limit })
        set.headers['x-cursor'] = String(page.cursor)
        return page
      },
      {
        query: t.Object({
          state: t.Optional(TaskState),
          kind: t.Optional(TaskKind),
          owner: t.Optional(ChannelToken('whose tasks', ['bob'])),
          before: t.Optional(
            t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next` of the page before' }),
          ),
          limit: t.Optional(
            t.Integer({ minimum: 1, maximum: LIST_PAGE.max, description: `Defaults to ${LIST_PAGE.default}.` }),
          ),
        }),
        response: TaskList,
        detail: detail({ summary: 'Tasks, newest first', responseHeaders: ['X-Cursor'] }),
      },
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = identify(request)
        const task = await tasks.start(body, requestKey(request, actor.user, body), actor)
        set.status = 202
        set.headers.location = `/api/tasks/${task.id}`
        set.headers.etag = etagOf(task)
        return task
      },
      {
        parse: jsonBody(bodies, NewTask, SMALL_BODY),
        body: NewTask,
        response: { 202: Task },
        detail: detail({
          summary: 'Start a task',
          headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
          errors: [
            'key.deleted',
            'key.invalid',
            'key.reused',
            'report.period_invalid',
            'storage.exceeded',
            'tasks.too_many',
          ],
          responseHeaders: ['Location', 'ETag'],
        }),
      },
    )
    .get(
      '/count',
      async ({ set }) => {
        const counted = await tasks.count()
        set.headers['x-cursor'] = String(counted.cursor)
        return counted
      },
      {
        query: NoQuery,
        response: t.Object({ counts: t.Record(t.String(), Type.Integer()), cursor: Cursor }),
        detail: detail({ summary: 'How many tasks there are, by state', responseHeaders: ['X-Cursor'] }),
      },
    )
    .get(
      '/:id',
      async ({ params, set }) => {
        const task = await tasks.read(params.id)
        set.headers['x-cursor'] = String(task.cursor)
        set.headers.etag = etagOf(task)
        return task
      },
      {
        params: Id,
        response: TaskAtCursor,
        detail: detail({ summary: 'One task', errors: ['task.unknown'], responseHeaders: ['X-Cursor', 'ETag'] }),
      },
    )
    .patch(
      '/:id',
      async ({ params, body, request, set }) => {
        const task = await tasks.rename(params.id, body.description, ifMatch(request), identify(request))
        set.headers.etag = etagOf(task)
        return task
      },
      {
        parse: jsonBody(bodies, Renaming, SMALL_BODY),
        params: Id,
        body: Renaming,
        response: Task,
        detail: detail({
          summary: 'Rename a task',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: ['task.unknown', 'task.version_conflict', 'if_match.invalid'],
          responseHeaders: ['ETag'],
        }),
      },
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await tasks.remove(params.id, ifMatch(request), identify(request))
        set.status = 204
      },
      {
        params: Id,
        detail: detail({
          summary: 'Delete a task that has ended, and its files',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: ['task.unknown', 'task.illegal_action', 'task.version_conflict', 'if_match.invalid'],
          operation: { responses: { 204: { description: 'Done.' } } },
        }),
      },
    )
    .post(
      '/:id/cancel',
      async ({ params, request, set }) => {
        const task = await tasks.cancel(params.id, ifMatch(request), identify(request))
        set.headers.etag = etagOf(task)
        return task
      },
      {
        params: Id,
        parse: 'none',
        response: Task,
        detail: detail({
          summary: 'Cancel a task; what runs stops within a second',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: ['task.unknown', 'task.illegal_action', 'task.version_conflict', 'if_match.invalid'],
          responseHeaders: ['ETag'],
        }),
      },
    )
    .post(
      '/:id/retry',
      async ({ params, request, set }) => {
        const task = await tasks.retry(params.id, ifMatch(request), identify(request))
        set.status = 202
        set.headers.etag = etagOf(task)
        return task
      },
      {
        params: Id,
        parse: 'none',
        response: { 202: Task },
        detail: detail({
          summary: 'Run a task again that failed or was cancelled; an import goes on where it stopped',
          headers: ['X-User', 'X-Client-Id', 'If-Match'],
          errors: [
            'task.unknown',
            'task.illegal_action',
            'task.version_conflict',
            'tasks.too_many',
            'if_match.invalid',
          ],
          responseHeaders: ['ETag'],
        }),
      },
    )
    .get('/:id/files/:name', async ({ params }) => download(files, params.id, params.name), {
      params: t.Object({ id: IdInAddress, name: t.String({ pattern: '^[\\w.-]{1,200}$' }) }),
      detail: detail({
        summary: 'Download what a task produced',
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
    })
    .use(
      otherMethods({
        '/': 'GET, POST',
        '/count': 'GET',
        '/:id': 'GET, PATCH, DELETE',
        '/:id/cancel': 'POST',
        '/:id/retry': 'POST',
        '/:id/files/:name': 'GET',
      }),
    )
}

async function download(files: Files, task: number, name: string): Promise<Response> {
  const { id, contentType, bytes } = await files.open(task, name)
  const parts = files.read(id, bytes)
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
  // A page opens in the browser, but runs nothing and belongs to nobody.
  const disposition = contentType.startsWith('text/html') ? 'inline' : 'attachment'
  return new Response(body, {
    headers: {
      'content-type': contentType,
      'content-disposition': `${disposition}; filename="task-${task}-${name}"`,
      'content-security-policy': PAGE_POLICY,
      // A task that is run again writes it anew.
      'cache-control': 'private, no-store',
    },
  })
}
