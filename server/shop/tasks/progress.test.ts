import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { type Progress, ProgressWriter } from './progress.ts'

const INTERVAL = 100
let time = 0
const clock = performance.now
beforeEach(() => {
  jest.useFakeTimers()
  time = 0
  performance.now = () => time
})
afterEach(() => {
  jest.useRealTimers()
  performance.now = clock
})

/** Lets time pass, and what was waiting for it happen. */
async function pass(milliseconds: number): Promise<void> {
  time += milliseconds
  jest.advanceTimersByTime(milliseconds)
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

const at = (progress: number): Progress => ({ progress, step: `step ${progress}` })

/** A writer whose writes end at once, or when `end` is called. */
function writerOf({ isSlow = false } = {}) {
  const written: number[] = []
  let end = () => {}
  const writer = new ProgressWriter({
    interval: INTERVAL,
    write: ({ progress }) => {
      written.push(progress)
      return isSlow
        ? new Promise((resolve) => {
            end = resolve
          })
        : Promise.resolve()
    },
  })
  return { writer, written, end: () => end() }
}

describe('progress', () => {
  test('is written at once when the last write is long ago', async () => {
    const { writer, written } = writerOf()
    writer.report(at(1))
    await pass(0)
    expect(written).toEqual([1])
    await pass(INTERVAL)
    writer.report(at(2))
    await pass(0)
    expect(written).toEqual([1, 2])
  })

  test('is written at most once an interval, and the newest wins', async () => {
    const { writer, written } = writerOf()
    for (let count = 0; count < 30; count++) {
      writer.report(at(count))
      await pass(INTERVAL / 10)
    }
    expect(written).toEqual([0, 10, 20])
    await pass(INTERVAL)
    expect(written).toEqual([0, 10, 20, 29])
    await pass(10 * INTERVAL)
    expect(written).toEqual([0, 10, 20, 29])
  })

  test('that is reported during a write is written an interval after its end', async () => {
    const { writer, written, end } = writerOf({ isSlow: true })
    writer.report(at(1))
    await pass(0)
    writer.report(at(2))
    await pass(5 * INTERVAL)
    expect(written).toEqual([1])
    end()
    await pass(0)
    await pass(INTERVAL - 1)
    expect(written).toEqual([1])
    await pass(1)
    expect(written).toEqual([1, 2])
  })
})

describe('a writer that was stopped', () => {
  test('writes nothing more, and keeps what is pending', async () => {
    const { writer, written } = writerOf()
    writer.report(at(1))
    await pass(0)
    writer.report(at(2))
    await writer.stop()
    writer.report(at(3))
    await pass(10 * INTERVAL)
    expect(written).toEqual([1])
    expect(writer.pending).toEqual(at(3))
  })

  test('has ended the write under way, after which no other begins', async () => {
    const { writer, written, end } = writerOf({ isSlow: true })
    writer.report(at(1))
    await pass(0)
    writer.report(at(2))
    let isStopped = false
    const stopped = writer.stop().then(() => {
      isStopped = true
    })
    await pass(INTERVAL)
    expect(isStopped).toBe(false)
    end()
    await stopped
    await pass(10 * INTERVAL)
    expect(written).toEqual([1])
    expect(writer.pending).toEqual(at(2))
  })
})
