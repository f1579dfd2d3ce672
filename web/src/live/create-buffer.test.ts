import './testing/reactive-solid.ts'
import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { createRoot } from 'solid-js'
import { type Buffer, createBuffer } from './create-buffer.ts'
import { type FakeFrames, fakeFrames } from './testing/fake-frames.ts'

let frames: FakeFrames
let applied: number[][]
let buffer: Buffer<number>
let dispose: () => void

beforeEach(() => {
  jest.useFakeTimers()
  frames = fakeFrames()
  applied = []
  createRoot((end) => {
    dispose = end
    buffer = createBuffer<number>((items) => applied.push(items))
  })
})
afterEach(() => {
  dispose()
  frames.restore()
  jest.useRealTimers()
})

describe('a buffer', () => {
  test('applies the items of a frame at once, in order', () => {
    for (const item of [1, 2, 3]) buffer.add(item)
    expect([applied, frames.requested]).toEqual([[], 1])
    frames.draw()
    buffer.add(4)
    frames.draw()
    frames.draw()
    expect(applied).toEqual([[1, 2, 3], [4]])
  })

  test('applies items after 300 ms on a page that draws no frames', () => {
    buffer.add(1)
    jest.advanceTimersByTime(200)
    buffer.add(2)
    jest.advanceTimersByTime(99)
    expect(applied).toEqual([])
    jest.advanceTimersByTime(1)
    expect([applied, frames.requested]).toEqual([[[1, 2]], 0])
    jest.advanceTimersByTime(1000)
    expect(applied).toHaveLength(1)
  })

  test('does not apply twice when a frame is drawn before the time has passed', () => {
    buffer.add(1)
    frames.draw()
    buffer.add(2)
    jest.advanceTimersByTime(299)
    expect(applied).toEqual([[1]])
  })

  test('discards what waits, and applies nothing then', () => {
    buffer.add(1)
    buffer.clear()
    frames.draw()
    expect(applied).toEqual([])
  })

  test('applies nothing after its owner has ended', () => {
    buffer.add(1)
    dispose()
    frames.draw()
    jest.advanceTimersByTime(1000)
    expect(applied).toEqual([])
  })
})
