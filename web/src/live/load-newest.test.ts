import { describe, expect, test } from 'bun:test'
import { loadNewest } from './load-newest.ts'

/** A list of `size` rows in pages of 3, read with cursors that grow. */
function listOf(size: number) {
  const asked: (number | undefined)[] = []
  let cursor = 40
  const pageOf = async (before?: number) => {
    asked.push(before)
    const end = (before ?? size + 1) - 1
    const rows = Array.from({ length: Math.min(3, end) }, (_, index) => end - index)
    const last = rows.at(-1) ?? 0
    return { rows, cursor: `${cursor++}-a`, next: last > 1 ? last : null }
  }
  return { asked, pageOf }
}

describe('the newest rows', () => {
  test('are read page by page until there are enough', async () => {
    const { asked, pageOf } = listOf(9)
    expect(await loadNewest(5, pageOf)).toEqual({ rows: [9, 8, 7, 6, 5, 4], cursor: '40-a', isPartial: true })
    expect(asked).toEqual([undefined, 7])
  })

  test('are one page when that is enough', async () => {
    const { asked, pageOf } = listOf(9)
    expect((await loadNewest(3, pageOf)).rows).toEqual([9, 8, 7])
    expect(asked).toHaveLength(1)
  })

  test('are all rows when there are fewer', async () => {
    expect(await loadNewest(50, listOf(4).pageOf)).toEqual({ rows: [4, 3, 2, 1], cursor: '40-a', isPartial: false })
    expect(await loadNewest(50, listOf(0).pageOf)).toEqual({ rows: [], cursor: '40-a', isPartial: false })
  })
})
