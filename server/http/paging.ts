import { Type } from '@sinclair/typebox'
import { t } from 'elysia'
import { LIST_PAGE } from '../protocol/limits.ts'
import { Nullable } from '../protocol/schema.ts'

/**
 * Bytes of rows after which a page ends, so that building and sending it holds the event loop for some 10 ms and not
 * longer. The row that exceeds the limit is still on the page: a page is never empty because its first row is large.
 */
export const PAGE_BYTES = 2 ** 20

/** Which page of a list is requested; the list is sorted by descending id. */
export interface PageRequest {
  /** Only items with smaller ids: the `next` of the previous page. Defaults to the newest items. */
  before?: number | undefined
  /** Items at most. */
  limit: number
}

/** The query parameters of a page. */
export const pageParameters = {
  before: t.Optional(
    t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next` of the previous page' }),
  ),
  limit: t.Optional(
    t.Integer({
      minimum: 1,
      maximum: LIST_PAGE.max,
      description: `Defaults to ${LIST_PAGE.default}; a page of large items has fewer.`,
    }),
  ),
}

/** The schema of `next` in a page. */
export const NextPage = Nullable(Type.Integer({ description: '`before` of the next page; null on the last' }))

/** The parameters of a list with the default of `limit`. */
export const pageRequest = <Q extends { limit?: number }>(query: Q): Q & { limit: number } => ({
  ...query,
  limit: query.limit ?? LIST_PAGE.default,
})

/** One page of a list. */
export interface Page<T> {
  items: T[]
  /** `before` of the next page; `null` on the last. */
  next: number | null
}

/**
 * Cuts a page from the rows of a query for one row more than `limit`.
 *
 * @param rows newest first; fewer than match when the bytes of a page were exceeded
 * @param matching how many rows the query has found, with those beyond the bytes of a page
 */
export function toPage<R, T extends { id: number }>(
  rows: readonly R[],
  { limit, matching }: { limit: number; matching: number },
  toItem: (row: R) => T,
): Page<T> {
  const items = rows.slice(0, limit).map(toItem)
  return { items, next: matching > items.length ? (items.at(-1)?.id ?? null) : null }
}
