/** What a command printed, and how it ended. */
export interface CommandResult {
  out: string
  error: string
  code: number
}

/**
 * Runs `sse-update` in a process of its own until it ends.
 *
 * @param env environment, besides PATH; nothing of this process's
 */
export async function runCommand(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const child = Bun.spawn([process.execPath, 'server/main.ts', ...args], {
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'warn', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { out, error, code }
}
