import { Elysia } from 'elysia'
import type { Authorize } from '../../auth/actor.ts'
import type { Bodies } from '../../http/body.ts'
import type { Incoming } from '../../http/client-address.ts'
import { requestKey } from '../../http/idempotency.ts'
import { otherMethods } from '../../http/problem.ts'
import { checkParameters } from '../../http/query-parameters.ts'
import { urlOf } from '../../http/request-url.ts'
import { asCreated } from '../../http/response-headers.ts'
import { AppError } from '../../platform/errors.ts'
import { type Files, PART_BYTES, uploadTooLarge } from './files.ts'
import { IMPORT } from './import-docs.ts'
import type { Task } from './schema.ts'
import { checkKind } from './start-task.ts'
import type { Tasks } from './tasks.ts'

/** What the route of imports needs. */
export interface ImportRoutesOptions {
  tasks: Tasks
  files: Files
  /** Maximum bytes of a file. */
  maxUploadBytes: number
  bodies: Bodies
  authorize: Authorize
}

/** `/api/orders/import`: an upload from which a task creates orders. */
export const importRoutes = (options: ImportRoutesOptions) =>
  new Elysia({ name: 'orders-import', prefix: '/api/orders/import', tags: ['orders'] })
    .post(
      '/',
      async ({ request, server, set }) =>
        asCreated(set, await startImport(options, { request, server }), '/api/tasks', 202),
      IMPORT,
    )
    .use(otherMethods({ '/': 'POST' }))

async function startImport(
  { tasks, files, maxUploadBytes, bodies, authorize }: ImportRoutesOptions,
  incoming: Incoming,
): Promise<Task> {
  const { request } = incoming
  const actor = await authorize(request)
  // Before the upload, which may take long.
  checkKind(actor, 'import')
  requestKey(request, actor.user, null)
  const name = fileName(request)
  checkType(request)
  if (Number(request.headers.get('content-length') ?? 0) > maxUploadBytes) throw uploadTooLarge(maxUploadBytes)
  const content = bodies.readFile(incoming, 2 * PART_BYTES)
  const upload = await files.upload(name, content, maxUploadBytes, request.signal)
  const key = requestKey(request, actor.user, { name, digest: upload.digest })
  const start = async () => {
    // What came last was stored after the rights were checked.
    await authorize(request)
    return tasks.startImport(upload, name, key, actor)
  }
  const task = await start().catch(async (error) => {
    await files.discard(upload.id).catch(() => {})
    throw error
  })
  // A repetition returns the task of the first request, which has a copy of the file.
  if (task.input.file !== upload.id) await files.discard(upload.id)
  return task
}

/** @throws {AppError} `upload.not_csv` (415): a form of a foreign page could send any type that needs no preflight */
function checkType(request: Request): void {
  if (/^text\/csv\b/i.test(request.headers.get('content-type') ?? '')) return
  throw new AppError('upload.not_csv', 'Send a CSV file, with the header "Content-Type: text/csv".', { status: 415 })
}

/** @throws {AppError} `upload.name_invalid`, `parameter.unknown`, `parameter.repeated` */
function fileName(request: Request): string {
  const query = urlOf(request).searchParams
  checkParameters(query, { single: ['name'], repeatable: [] })
  const name = query.get('name') ?? 'orders.csv'
  if (/^\P{Cc}{1,200}$/u.test(name)) return name
  throw new AppError('upload.name_invalid', 'name is text of 1 to 200 characters without control characters.')
}
