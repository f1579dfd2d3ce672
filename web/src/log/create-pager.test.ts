import { describe, expect, test } from 'bun:test'
import { createPager, type Page } from './create-pager.ts'

interface Numbers extends Page<number> {
  rows: number[]
}

/** A pager over rows 1 … 6, two a page, newest first; reads resolve when the test says so. */
function createFixture(wantsMore: () => boolean = () => false) {
  const reads: { cursor: number | undefined; resolve: () => void; fail: (message: string) => void }[] = []
  const pages: { rows: number[]; isFirst: boolean }[] = []
  const errors: string[] = []
  const pager = createPager<number, Numbers>({
    read: (cursor) => {
      const { promise, resolve, reject } = Promise.withResolvers<Numbers>()
      const end = cursor ?? 7
      const page = { rows: [end - 1, end - 2], cursor: end - 2, more: end - 2 > 1 }
      reads.push({ cursor, resolve: () => resolve(page), fail: (message) => reject(new Error(message)) })
      return promise
    },
    onPage: ({ rows }, isFirst) => pages.push({ rows, isFirst }),
    onError: ({ message }) => errors.push(message),
    wantsMore,
  })
  return { pager, reads, pages, errors }
}

describe('a pager', () => {
  test('reads pages in order and stops after the last one', async () => {
    const { pager, reads, pages } = createFixture()
    for (let count = 0; count < 5; count++) {
      const done = pager.next()
      reads[count]?.resolve()
      await done
    }
    expect(reads.map(({ cursor }) => cursor)).toEqual([undefined, 5, 3])
    expect(pages).toEqual([
      { rows: [6, 5], isFirst: true },
      { rows: [4, 3], isFirst: false },
      { rows: [2, 1], isFirst: false },
    ])
  })

  test('reads one page at a time', async () => {
    const { pager, reads } = createFixture()
    const done = pager.next()
    await pager.next()
    expect(reads).toHaveLength(1)
    reads[0]?.resolve()
    await done
  })

  test('continues by itself for as long as more is wanted', async () => {
    const remaining = [true, false]
    const { pager, reads, pages } = createFixture(() => remaining.shift() ?? false)
    const done = pager.next()
    reads[0]?.resolve()
    while (reads.length < 2) await Promise.resolve()
    reads[1]?.resolve()
    await done
    expect(pages).toHaveLength(2)
  })

  test('discards a page, and an error, that arrive after a restart', async () => {
    const { pager, reads, pages, errors } = createFixture()
    const first = pager.next()
    pager.restart()
    const second = pager.next()
    pager.restart(5)
    reads[0]?.resolve()
    reads[1]?.fail('late')
    await Promise.all([first, second])
    expect([pages, errors]).toEqual([[], []])
    const third = pager.next()
    reads[2]?.resolve()
    await third
    expect(pages).toEqual([{ rows: [4, 3], isFirst: false }])
  })

  test('reports an error and reads the same page again', async () => {
    const { pager, reads, pages, errors } = createFixture(() => true)
    const failed = pager.next()
    reads[0]?.fail('unavailable')
    await failed
    expect(errors).toEqual(['unavailable'])
    const { length } = reads
    void pager.next()
    expect(reads).toHaveLength(length + 1)
    expect(reads.at(-1)?.cursor).toBeUndefined()
    expect(pages).toEqual([])
  })
})
