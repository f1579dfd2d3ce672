import { Elysia } from 'elysia'
import { identify } from '../../auth/identity.ts'
import type { Bodies } from '../../http/body.ts'
import { detail, RECEIVING } from '../../http/describe-route.ts'
import { requestKey } from '../../http/idempotency.ts'
import { otherMethods } from '../../http/problem.ts'
import { etagOf } from '../../http/request-headers.ts'
import { urlOf } from '../../http/request-url.ts'
import { AppError } from '../../platform/errors.ts'
import { type Files, PART_BYTES, uploadTooLarge } from './files.ts'
import { COLUMNS } from './kinds/order-rows.ts'
import { Task } from './schema.ts'
import type { Tasks } from './tasks.ts'

export interface ImportRoutesOptions {
  tasks: Tasks
  files: Files
  maxUploadBytes: number
  bodies: Bodies
}

/** `/api/orders/import`: an upload that becomes a task. */
export const importRoutes = ({ tasks, files, maxUploadBytes, bodies }: ImportRoutesOptions) =>
  new Elysia({ name: 'orders-import', prefix: '/api/orders/import', tags: ['orders'] })
    .post(
      '/',
      async ({ request, server, set }) => {
        const actor = identify(request)
        // Before the upload, which may take long.
        requestKey(request, actor.user, null)
        const name = fileName(request)
        checkType(request)
        if (Number(request.headers.get('content-length') ?? 0) > maxUploadBytes) throw uploadTooLarge(maxUploadBytes)
        const content = bodies.readFile({ request, server }, 2 * PART_BYTES)
        const upload = await files.upload(name, content, maxUploadBytes, request.signal)
        const key = requestKey(request, actor.user, { name, digest: upload.digest })
        const task = await tasks.startImport(upload, name, key, actor).catch(async (error) => {
          await files.discard(upload.id).catch(() => {})
          throw error
        })
        // A key that was used before: its task has the file of then.
        if (task.input.file !== upload.id) await files.discard(upload.id)
        set.status = 202
        set.headers.location = `/api/tasks/${task.id}`
        set.headers.etag = etagOf(task)
        return task
      },
      {
        parse: 'none',
        response: { 202: Task },
        detail: detail({
          summary: 'Import orders from a CSV file',
          description: `The body is the file, up to MAX_UPLOAD_BYTES; its first line names the columns ${COLUMNS.join(', ')}, in any order, divided by commas, semicolons or tabs, and each other line is an order. The answer is a task; lines that can't be imported are in its file rejected.csv, with number and reason. \`?name=\` is what the file is called.`,
          headers: ['X-User', 'X-Client-Id', 'Idempotency-Key'],
          errors: [
            ...RECEIVING,
            'key.deleted',
            'key.invalid',
            'key.reused',
            'storage.exceeded',
            'tasks.too_many',
            'upload.aborted',
            'upload.empty',
            'upload.name_invalid',
            'upload.not_csv',
            'upload.too_large',
          ],
          responseHeaders: ['Location', 'ETag'],
          operation: {
            parameters: [
              {
                name: 'name',
                in: 'query',
                description: 'What the file is called.',
                schema: { type: 'string', pattern: '^\\P{Cc}{1,200}$', default: 'orders.csv' },
                example: 'orders.csv',
              },
            ],
            requestBody: {
              required: true,
              content: {
                'text/csv': { schema: { type: 'string' }, example: `${COLUMNS.join(',')}\nalice,EUR,A1,Tea,2,450\n` },
              },
            },
          },
        }),
      },
    )
    .use(otherMethods({ '/': 'POST' }))

/** @throws {AppError} `upload.not_csv` (415): any other type could come from a form on a foreign page */
function checkType(request: Request): void {
  if (/^text\/csv\b/i.test(request.headers.get('content-type') ?? '')) return
  throw new AppError('upload.not_csv', 'Send a CSV file, with the header "Content-Type: text/csv".', { status: 415 })
}

/** @throws {AppError} `upload.name_invalid` */
function fileName(request: Request): string {
  const name = urlOf(request).searchParams.get('name') ?? 'orders.csv'
  if (/^\P{Cc}{1,200}$/u.test(name)) return name
  throw new AppError('upload.name_invalid', 'name is text of 1 to 200 characters without control characters.')
}
