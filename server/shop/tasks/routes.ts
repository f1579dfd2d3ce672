import { Elysia } from 'elysia'
import type { Authorize } from '../../auth/actor.ts'
import type { Bodies } from '../../http/body.ts'
import { ifMatch } from '../../http/conditional.ts'
import { requestKey } from '../../http/idempotency.ts'
import { jsonBody, SMALL_BODY } from '../../http/json-body.ts'
import { pageRequest } from '../../http/paging.ts'
import { otherMethods } from '../../http/problem.ts'
import { asCreated, withCursor, withVersion } from '../../http/response-headers.ts'
import { type DownloadOptions, download } from './download.ts'
import * as docs from './route-docs.ts'
import type { Tasks } from './tasks.ts'

/** What the routes of tasks need. */
export interface TaskRoutesOptions extends DownloadOptions {
  tasks: Tasks
  bodies: Bodies
  authorize: Authorize
}

const METHODS = {
  '/': 'GET, POST',
  '/count': 'GET',
  '/:id': 'GET, PATCH, DELETE',
  '/:id/cancel': 'POST',
  '/:id/retry': 'POST',
  '/:id/files/:name': 'GET',
}

/** `/api/tasks`. */
export const taskRoutes = ({ tasks, bodies, authorize, ...files }: TaskRoutesOptions) =>
  new Elysia({ name: 'tasks', prefix: '/api/tasks', tags: ['tasks'] })
    .get(
      '/',
      async ({ query, request, set }) =>
        withCursor(set, await tasks.list(pageRequest(query), await authorize(request))),
      docs.LIST,
    )
    .post(
      '/',
      async ({ body, request, set }) => {
        const actor = await authorize(request)
        return asCreated(set, await tasks.start(body, requestKey(request, actor.user, body), actor), '/api/tasks', 202)
      },
      { ...docs.START, parse: jsonBody(bodies, docs.START.body, SMALL_BODY, authorize) },
    )
    .get('/count', async ({ request, set }) => withCursor(set, await tasks.count(await authorize(request))), docs.COUNT)
    .get(
      '/:id',
      async ({ params, request, set }) =>
        withVersion(set, withCursor(set, await tasks.read(params.id, await authorize(request)))),
      docs.READ,
    )
    .patch(
      '/:id',
      async ({ params, body, request, set }) =>
        withVersion(set, await tasks.rename(params.id, body.description, ifMatch(request), await authorize(request))),
      { ...docs.RENAME, parse: jsonBody(bodies, docs.RENAME.body, SMALL_BODY, authorize) },
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await tasks.remove(params.id, ifMatch(request), await authorize(request))
        set.status = 204
      },
      docs.REMOVE,
    )
    .post(
      '/:id/cancel',
      async ({ params, request, set }) =>
        withVersion(set, await tasks.cancel(params.id, ifMatch(request), await authorize(request))),
      docs.CANCEL,
    )
    .post(
      '/:id/retry',
      async ({ params, request, set }) => {
        set.status = 202
        return withVersion(set, await tasks.retry(params.id, ifMatch(request), await authorize(request)))
      },
      docs.RETRY,
    )
    .get(
      '/:id/files/:name',
      async ({ params, request }) => download(request, params.id, params.name, await authorize(request), files),
      docs.DOWNLOAD,
    )
    .use(otherMethods(METHODS))
