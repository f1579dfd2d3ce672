import { sleep } from '../../../platform/time.ts'
import type { Kind } from './kind.ts'

interface DemoInput {
  seconds?: number
  /** Percent. */
  fail_at?: number
}

const STEPS = ['Packing', 'Weighing', 'Labelling', 'Loading', 'Signing off']
/** Milliseconds between two reports of progress. */
const TICK = 50

/** Takes as long, and fails where, its input sets: for demonstrations and tests. */
export const demo: Kind<DemoInput> = {
  role: 'user',
  describe: ({ seconds = 3 }) => `Demo of ${seconds} s`,
  async run({ input: { seconds = 3, fail_at }, signal, report }) {
    const duration = seconds * 1000
    const start = performance.now()
    for (let elapsed = 0; elapsed < duration || elapsed === 0; elapsed = performance.now() - start) {
      const progress = duration === 0 ? 100 : (100 * elapsed) / duration
      if (fail_at !== undefined && progress >= fail_at) break
      report(progress, STEPS[Math.floor((STEPS.length * progress) / 100.01)] ?? '')
      await sleep(Math.min(TICK, duration - elapsed), signal)
      signal.throwIfAborted()
    }
    if (fail_at !== undefined) throw new Error(`failed at ${fail_at} %, as requested`)
    return { seconds }
  },
}
