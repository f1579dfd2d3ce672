import { AppError } from '../platform/errors.ts'

/** A representation that changes: `version` grows by one with each change. */
export interface Versioned {
  version: number
}

/** The versions that a change may be applied to, from `If-Match`; `undefined` for any. */
export type ExpectedVersions = readonly number[] | undefined

/** The entity tag of a version, such as `"3"` (RFC 9110, section 8.8.3). */
export const etagOf = ({ version }: Versioned): string => `"${version}"`

/**
 * Reads `If-Match` (RFC 9110, section 13.1.1): `"3"`, `"3", "4"` or `*`. Without the header any version is expected.
 *
 * @throws {AppError} `if_match.invalid` when a tag is weak or is not that of a version
 */
export function ifMatch(request: Request): ExpectedVersions {
  const header = request.headers.get('if-match')?.trim()
  if (header === undefined || header === '*') return undefined
  const versions = header.split(',').map((tag) => /^"(\d+)"$/.exec(tag.trim())?.[1])
  if (versions.every((version) => version !== undefined)) return versions.map(Number)
  throw new AppError('if_match.invalid', 'If-Match takes the ETag of the representation that was read, such as "3".')
}

/**
 * Refuses a change that was decided on another version than the current one. Call it while the row is locked.
 *
 * @param resource what is changed, such as `order`: the first part of the error code
 * @throws {AppError} `<resource>.version_conflict` (412) with the current `version`
 */
export function checkVersion(
  resource: string,
  { id, version }: Versioned & { id: number },
  expected: ExpectedVersions,
): void {
  if (expected === undefined || expected.includes(version)) return
  const name = `${resource.charAt(0).toUpperCase()}${resource.slice(1)}`
  throw new AppError(
    `${resource}.version_conflict`,
    `${name} ${id} was changed in the meantime: its version is ${version}. Read it again before you repeat the change.`,
    { status: 412, extensions: { version } },
  )
}
