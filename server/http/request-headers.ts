import { AppError } from '../platform/errors.ts'
import { parseKey } from '../protocol/event.ts'

/** The entity tag of a row's version (RFC 9110, section 8.8.3). */
export const etagOf = ({ version }: { version: number }): string => `"${version}"`

/**
 * The versions that a change is meant for, from `If-Match` (RFC 9110, section 13.1.1); `undefined` for any.
 *
 * @throws {AppError} `if_match.invalid`
 */
export function ifMatch(request: Request): number[] | undefined {
  const header = request.headers.get('if-match')?.trim()
  if (header === undefined || header === '*') return undefined
  const versions = header.split(',').map((tag) => /^"(\d+)"$/.exec(tag.trim())?.[1])
  if (versions.every((version) => version !== undefined)) return versions.map(Number)
  throw new AppError('if_match.invalid', 'If-Match is the ETag of what was read, such as "3".')
}

/**
 * The `Idempotency-Key` header: requests with the same one create one thing.
 *
 * @throws {AppError} `key.invalid`
 */
export function idempotencyKey(request: Request): string | null {
  const key = request.headers.get('idempotency-key')
  return key === null ? null : parseKey(key)
}
