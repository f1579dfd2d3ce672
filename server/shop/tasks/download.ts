import type { Actor } from '../../auth/actor.ts'
import type { Files } from './files.ts'
import { PAGE_POLICY } from './kinds/report-page.ts'

/**
 * The response with a file of a task. Its parts are read from Postgres as the client takes them.
 *
 * @throws {AppError} `file.unknown` (404), also for another user's task
 */
export async function download(files: Files, task: number, name: string, actor: Actor): Promise<Response> {
  const { id, contentType, bytes } = await files.open(task, name, actor)
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
