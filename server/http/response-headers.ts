import { etagOf, type Versioned } from './conditional.ts'

/** The part of Elysia's context that a handler sets the status and the headers of its response by. */
export interface ResponseSettings {
  status?: number | string
  headers: Record<string, string | number>
}

/** Sends the cursor of what was read as `X-Cursor` too. @returns the body of the response */
export function withCursor<T extends { cursor: unknown }>(set: ResponseSettings, read: T): T {
  set.headers['x-cursor'] = String(read.cursor)
  return read
}

/** Sends the version as `ETag`, for `If-Match`. @returns the body of the response */
export function withVersion<T extends Versioned>(set: ResponseSettings, resource: T): T {
  set.headers.etag = etagOf(resource)
  return resource
}

/**
 * The response to a request that created something: its address as `Location` and its version as `ETag`.
 *
 * @param path of the collection, such as `/api/orders`
 * @param status `202` when the work has yet to be done
 * @returns the body of the response
 */
export function asCreated<T extends Versioned & { id: number }>(
  set: ResponseSettings,
  resource: T,
  path: string,
  status: 201 | 202 = 201,
): T {
  set.status = status
  set.headers.location = `${path}/${resource.id}`
  return withVersion(set, resource)
}
