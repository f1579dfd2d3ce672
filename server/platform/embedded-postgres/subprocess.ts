import { withTimeout } from '../time.ts'

/**
 * Ends a process by `signal`, and by SIGKILL when it has not ended `timeout` milliseconds later, as one that is frozen.
 * Resolves when it has ended.
 *
 * @param onLate called before SIGKILL is sent
 */
export async function endProcess(
  child: Bun.Subprocess,
  signal: NodeJS.Signals,
  timeout: number,
  onLate: () => void,
): Promise<void> {
  child.kill(signal)
  await withTimeout(child.exited, timeout, () => new Error('late')).catch(() => {
    onLate()
    child.kill('SIGKILL')
  })
  await child.exited
}
