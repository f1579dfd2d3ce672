import { describe, expect, test } from 'bun:test'
import { pageRequest, toPage } from './paging.ts'

const rows = (...ids: number[]) => ids.map((id) => ({ id, name: `row ${id}` }))
const page = (found: { id: number }[], limit: number, matching: number) =>
  toPage(found, { limit, matching }, ({ id }) => ({ id }))

describe('a page', () => {
  test('continues before its last item when one row more was found', () => {
    expect(page(rows(9, 8, 7), 2, 3)).toEqual({ items: [{ id: 9 }, { id: 8 }], next: 8 })
  })

  test('is the last one when exactly its items were found', () => {
    expect(page(rows(9, 8), 2, 2)).toEqual({ items: [{ id: 9 }, { id: 8 }], next: null })
  })

  test('continues when its bytes were exceeded before its limit', () => {
    expect(page(rows(9), 50, 3)).toEqual({ items: [{ id: 9 }], next: 9 })
  })

  test('of an empty list is empty, and the last one', () => {
    expect(page([], 2, 0)).toEqual({ items: [], next: null })
  })
})

test('a request without a limit has 50 items, and keeps its filters', () => {
  expect(pageRequest({ status: 'paid' } as { status: string; limit?: number })).toEqual({ status: 'paid', limit: 50 })
  expect(pageRequest({ limit: 1 })).toEqual({ limit: 1 })
})
