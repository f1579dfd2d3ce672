import type { Actor } from '../../auth/actor.ts'
import type { HoldRights } from '../../http/held-rights.ts'
import type { Files } from './files.ts'
import { PAGE_POLICY } from './kinds/report-page.ts'

/** What a download works with. */
export interface DownloadOptions {
  files: Files
  /** A download takes as long as its client wants: it is cut off when the rights of its request end. */
  holdRights: HoldRights
}

/**
 * The response with a file of a task. Its parts are read from Postgres as the client takes them.
 *
 * @throws {AppError} `file.unknown` (404), also for another user's task; `token.expired`, `token.revoked`, `key.unknown` (401)
 * when the rights of the request have ended meanwhile
 */
export async function download(
  request: Request,
  task: number,
  name: string,
  actor: Actor,
  { files, holdRights }: DownloadOptions,
): Promise<Response> {
  const { id, contentType, bytes } = await files.open(task, name, actor)
  const body = streamOf(files.read(id, bytes), request, holdRights)
  // A page opens in the browser, but runs nothing and has an origin of its own.
  const disposition = contentType.startsWith('text/html') ? 'inline' : 'attachment'
  return new Response(body, {
    headers: {
      'content-type': contentType,
      'content-disposition': `${disposition}; filename="task-${task}-${name}"`,
      'content-security-policy': PAGE_POLICY,
      // A task that is retried writes it again.
      'cache-control': 'private, no-store',
    },
  })
}

/** The parts of a file as the client takes them, while the request has its rights. @throws {AppError} what `HeldRights.check` throws */
function streamOf(
  parts: AsyncGenerator<Uint8Array>,
  request: Request,
  holdRights: HoldRights,
): ReadableStream<Uint8Array> {
  const { promise: ended, reject: end } = Promise.withResolvers<never>()
  ended.catch(() => {})
  const rights = holdRights(request, end)
  rights.check()
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        ended.catch((error) => controller.error(error))
      },
      async pull(controller) {
        try {
          const { done, value } = await Promise.race([parts.next(), ended])
          if (!done) return controller.enqueue(value)
          controller.close()
          rights.release()
        } catch (error) {
          rights.release()
          throw error
        }
      },
      cancel: () => rights.release(),
    },
    { highWaterMark: 0 },
  )
}
