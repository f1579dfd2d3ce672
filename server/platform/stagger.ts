import { sleep } from './time.ts'

/** Most milliseconds between two items: a few take less than the whole duration (20 take 10 ms, 10,000 take 5 s). */
const LONGEST_PAUSE = 0.5
/** Milliseconds between two groups of items. */
const STEP = 10

/** Calls `action` with each item in order, spread evenly over `duration` milliseconds, or over less when there are few. */
export async function stagger<T>(items: readonly T[], duration: number, action: (item: T) => void): Promise<void> {
  const time = Math.min(duration, items.length * LONGEST_PAUSE)
  const start = performance.now()
  for (let done = 0; done < items.length; ) {
    const share = time === 0 ? 1 : (performance.now() - start) / time
    const due = Math.min(items.length, Math.ceil(share * items.length))
    while (done < due) action(items[done++] as T)
    if (done < items.length) await sleep(STEP)
  }
}
