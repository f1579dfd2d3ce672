import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { readHistory } from './history.ts'
import type { Gap } from './protocol.ts'
import { fakeBrowser } from './testing/fake-browser.ts'

interface FakePage {
  gap?: Gap
  positions?: number[]
  cursor: string
  more: boolean
}

let pages: (FakePage | Response)[]
let asked: URLSearchParams[]
let restore: () => void

beforeEach(() => {
  pages = []
  asked = []
  restore = fakeBrowser((url) => {
    asked.push(url.searchParams)
    const page = pages.shift()
    if (!page) throw new Error('no further page was expected')
    if (page instanceof Response) return page
    const { positions = [], ...rest } = page
    return Response.json({ ...rest, events: positions.map((position) => ({ position })) })
  })
})
afterEach(() => restore())

async function read(after: string, through: number) {
  const got: (number | string)[] = []
  await readHistory({
    url: '/events',
    channels: ['a.>', 'b'],
    after,
    through,
    onEvent: ({ position }) => got.push(position),
    onGap: ({ to, reason }) => got.push(`${reason} ${to}`),
    onPage: (cursor) => got.push(`cursor ${cursor}`),
    signal: new AbortController().signal,
  })
  return got
}
const cursors = () => asked.map((query) => query.get('after'))

describe('the history', () => {
  test('is asked for the channels after the cursor, as its text is', async () => {
    pages = [{ cursor: '42-k3f9', more: false }]
    await read('40-k3f9', 42)
    expect([asked[0]?.getAll('channel'), cursors(), asked[0]?.get('limit')]).toEqual([
      ['a.>', 'b'],
      ['40-k3f9'],
      '1000',
    ])
  })

  test('is read page by page, after the cursor of each', async () => {
    pages = [
      { positions: [41, 42], cursor: '42-a', more: true },
      { positions: [43], cursor: '44-a', more: true },
      { positions: [45], cursor: '45-a', more: true },
    ]
    expect(await read('40-a', 45)).toEqual([41, 42, 'cursor 42-a', 43, 'cursor 44-a', 45, 'cursor 45-a'])
    expect(cursors()).toEqual(['40-a', '42-a', '44-a'])
  })

  test('is read no further than the last page', async () => {
    pages = [{ positions: [41], cursor: '41-a', more: false }]
    expect(await read('40-a', 99)).toEqual([41, 'cursor 41-a'])
  })

  test('leaves out events after the position that it is read to', async () => {
    pages = [{ positions: [41, 42, 43], cursor: '43-a', more: true }]
    expect(await read('40-a', 42)).toEqual([41, 42, 'cursor 43-a'])
  })

  test('is read once when the cursor is beyond the end: it may be of another log', async () => {
    pages = [{ gap: { from: 90, to: 10, reason: 'unknown' }, cursor: '10-b', more: false }]
    expect(await read('90-a', 50)).toEqual(['unknown 10', 'cursor 10-b'])
  })

  test('continues behind a gap, where positions are smaller', async () => {
    pages = [
      { gap: { from: 90, to: 10, reason: 'unknown' }, cursor: '10-b', more: true },
      { positions: [11, 12], cursor: '12-b', more: true },
    ]
    expect(await read('90-a', 12)).toEqual(['unknown 10', 'cursor 10-b', 11, 12, 'cursor 12-b'])
  })

  test('ends at a page that makes no progress', async () => {
    pages = [{ cursor: '40-a', more: true }]
    expect(await read('40-a', 99)).toEqual(['cursor 40-a'])
  })

  test('fails with the status when the server has no page', async () => {
    pages = [new Response(null, { status: 503 })]
    await expect(read('40-a', 42)).rejects.toThrow('503')
  })
})
