import fc from 'fast-check'
import type { Operation } from './document.ts'
import type { Exchanged } from './exchange.ts'
import type { FuzzRequest } from './request.ts'
import { validRequestsOf } from './requests.ts'

/** A resource that is created, read, changed and deleted, in an order by chance. */
export interface Life {
  create: FuzzRequest
  steps: { request: FuzzRequest; ifMatch: 'current' | 'stale' | 'none' }[]
}

/** An operation that creates a resource, and those of a resource of its kind. */
export interface Kind {
  create: Operation
  members: Operation[]
}

/** The kinds of resources that a document has: below a path of POST, there are operations with an `{id}`. */
export function kindsOf(operations: Iterable<Operation>): Kind[] {
  const all = [...operations]
  return all
    .filter(({ method, path }) => method === 'POST' && all.some((other) => other.path.startsWith(`${path}/{id}`)))
    .map((create) => ({ create, members: all.filter(({ path }) => path.startsWith(`${create.path}/{id}`)) }))
}

/** Lives of a kind of resource. */
export function livesOf({ create, members }: Kind): fc.Arbitrary<Life> {
  const step = fc.record({
    request: fc.oneof(...members.map(validRequestsOf)),
    ifMatch: fc.constantFrom('current', 'current', 'stale', 'none'),
  })
  return fc.record({ create: validRequestsOf(create), steps: fc.array(step, { maxLength: 8 }) }) as fc.Arbitrary<Life>
}

/** Sends a request, checks its response, and returns it. */
type Send = (request: FuzzRequest) => Promise<Exchanged>

/**
 * Lives a life: the path of each step is that of the resource that was created.
 *
 * @returns what is wrong: a deletion that does not delete, or an ETag that the server does not know again
 */
export async function live(
  { create, steps }: Life,
  { members, create: { path } }: Kind,
  send: Send,
): Promise<string[]> {
  const created = await send(create)
  if (created.status >= 300) return []
  const id = JSON.parse(created.body.toString()).id
  const user = create.headers.filter(([name]) => name === 'X-User')
  const at = (request: FuzzRequest): FuzzRequest => ({
    ...request,
    target: request.target.replace(/^[^?]*/, (target) =>
      [path, id, ...target.split('/').slice(path.split('/').length + 1)].join('/'),
    ),
    headers: [...request.headers.filter(([name]) => name !== 'X-User' && name !== 'If-Match'), ...user],
  })
  let etag = created.headers.get('etag')
  let isDeleted = false
  const wrong: string[] = []
  for (const { request, ifMatch } of steps) {
    const { [ifMatch]: value } = { current: etag, stale: '"0"', none: undefined }
    const moved = at(request)
    const response = await send({
      ...moved,
      headers: [...moved.headers, ...(value ? [['If-Match', value] as const] : [])],
    })
    etag = response.headers.get('etag') ?? etag
    if (isDeleted && response.status !== 404) wrong.push(`${request.method} after the deletion: ${response.status}`)
    if (request.method === 'DELETE' && response.status === 204) isDeleted = true
  }
  const read = members.find(({ method, path: one }) => method === 'GET' && one === `${path}/{id}`)
  if (!read) return wrong
  const target = { operation: read.name, kind: 'valid', method: 'GET', target: `${path}/${id}`, headers: user } as const
  const { status } = await send({ ...target, headers: [...user] })
  if (status !== (isDeleted ? 404 : 200)) wrong.push(`GET ${path}/${id} at the end: ${status}`)
  return wrong
}
