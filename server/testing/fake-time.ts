import { afterEach, beforeEach, jest } from 'bun:test'

/** Promises that one step of the tested code may wait for in sequence. */
const DEPTH = 50

/** Runs what waits for promises that are already settled, and no timer. */
export async function settle(): Promise<void> {
  for (let count = 0; count < DEPTH; count++) await Promise.resolve()
}

/** Lets `ms` milliseconds of fake time pass, with the timers that are due in them and what follows from these. */
export async function advance(ms: number): Promise<void> {
  await settle()
  jest.advanceTimersByTime(ms)
  await settle()
}

/** Gives every test of a file (or of a group) timers, dates and `performance.now` that only {@link advance} moves. */
export function useFakeTime(): void {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })
}
