import { beforeEach, describe, expect, test } from 'bun:test'
import { type OpenCursor, OpenCursors } from './open-cursors.ts'

let advanced: string[]
let cursors: OpenCursors<OpenCursor>
beforeEach(() => {
  advanced = []
  cursors = new OpenCursors()
})

const cursor = (id: string, clientId: string | null = null, onAdvance = () => {}): OpenCursor => ({
  id,
  clientId,
  advance: async () => {
    advanced.push(id)
    onAdvance()
  },
})

describe('the open cursors', () => {
  test('are counted, and listed in the order in which they were opened', () => {
    const [a, b] = [cursor('a'), cursor('b')]
    cursors.add(a)
    cursors.add(b)
    expect([...cursors.values()]).toEqual([a, b])
    expect(cursors.size).toBe(2)
    cursors.remove(a)
    expect([...cursors.values()]).toEqual([b])
    expect(cursors.size).toBe(1)
  })

  test('are found by client ID until they are removed', () => {
    const mine = cursor('a', 'page-1')
    cursors.add(mine)
    cursors.add(cursor('b', 'page-2'))
    expect(cursors.ofClient('page-1')).toBe(mine)
    cursors.remove(mine)
    expect(cursors.ofClient('page-1')).toBeUndefined()
    expect(cursors.ofClient('page-2')?.id).toBe('b')
  })

  test('of clients without an ID are not found by ID', () => {
    cursors.add(cursor('a'))
    expect(cursors.ofClient(null)).toBeUndefined()
  })

  test('keep the newer of two with one client ID when the older is removed', () => {
    const [older, newer] = [cursor('a', 'page-1'), cursor('b', 'page-1')]
    cursors.add(older)
    cursors.add(newer)
    cursors.remove(older)
    expect(cursors.ofClient('page-1')).toBe(newer)
  })
})

describe('cursors that wait for a position', () => {
  test('are advanced once, each', () => {
    const [a, b] = [cursor('a'), cursor('b')]
    for (const each of [a, b]) {
      cursors.add(each)
      cursors.wait(each)
    }
    cursors.wakeWaiting()
    cursors.wakeWaiting()
    expect(advanced).toEqual(['a', 'b'])
  })

  test('may wait again while they are advanced', () => {
    const again: OpenCursor = cursor('a', null, () => cursors.wait(again))
    cursors.wait(again)
    cursors.wakeWaiting()
    expect(advanced).toEqual(['a'])
    cursors.wakeWaiting()
    expect(advanced).toEqual(['a', 'a'])
  })

  test('are not advanced after they were removed', () => {
    const gone = cursor('a')
    cursors.add(gone)
    cursors.wait(gone)
    cursors.remove(gone)
    cursors.wakeWaiting()
    expect(advanced).toEqual([])
  })
})
