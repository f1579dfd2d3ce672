import { expect, test } from 'bun:test'

/** A process that says which signal asked it to stop, and does not stop. */
const PROGRAM = `
  const { stopRequested } = await import('./server/commands/stop-signal.ts')
  const requested = stopRequested()
  setInterval(() => {}, 1_000_000)
  console.log('ready')
  console.log(await requested)`

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s asks to stop, and ends the process at once the second time',
  async (signal) => {
    const child = Bun.spawn([process.execPath, '-e', PROGRAM], { stdout: 'pipe', stderr: 'inherit' })
    const lines: string[] = []
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      for (const line of text.trim().split('\n')) {
        lines.push(line)
        child.kill(signal)
      }
    }
    expect(lines).toEqual(['ready', signal])
    expect(await child.exited).toBe(1)
  },
)

test('a second signal of another kind ends the process at once, too', async () => {
  const child = Bun.spawn([process.execPath, '-e', PROGRAM], { stdout: 'pipe', stderr: 'inherit' })
  const signals = ['SIGTERM', 'SIGINT'] as const
  let count = 0
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    for (const _ of text.trim().split('\n')) child.kill(signals[count++])
  }
  expect([count, await child.exited]).toEqual([2, 1])
})
