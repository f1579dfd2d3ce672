import { loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { type Runtime, startRuntime } from '../runtime.ts'
import { freePort } from './ports.ts'

/** Environment variables with defaults that make tests fast. */
const environment = (settings: Record<string, string>) => ({
  LOG_LEVEL: 'error',
  LOG_FORMAT: 'json',
  RETRY_MS: '10',
  ...settings,
})

/** Starts an instance in this process, on a free port. It stops when it is disposed. */
export async function startInstance(
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<Runtime & AsyncDisposable> {
  const config = loadConfig(environment({ PORT: '0', DATABASE_URL: databaseUrl, ...settings }))
  const runtime = await startRuntime(config, createLogger(config))
  return { ...runtime, [Symbol.asyncDispose]: runtime.stop }
}

/** An instance in a process of its own. */
export interface InstanceProcess extends AsyncDisposable {
  url: string
  pid: number
  /** What it has logged so far. */
  readonly output: string
  /** Sends a signal and returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number>
}

/**
 * Starts `sse-update serve` (or `work`) in a process of its own; resolves when it serves.
 *
 * @throws {Error} with its output when it exits before
 */
export async function startProcess(
  settings: Record<string, string>,
  { command = [process.execPath, 'server/main.ts'], cwd = process.cwd(), verb = 'serve' } = {},
): Promise<InstanceProcess> {
  const port = settings.PORT ?? String(await freePort())
  const child = Bun.spawn([...command, verb], {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      ...environment({ LOG_LEVEL: 'info', ...settings, PORT: port }),
    },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  let output = ''
  const serving = Promise.withResolvers<void>()
  void (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      output += text
      if (output.includes(`sse-update ${verb}s`)) serving.resolve()
    }
    serving.reject(new Error(`the instance exited before it served:\n${output}`))
  })()
  serving.promise.catch(() => {})
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return child.exited
  }
  await serving.promise
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    get output() {
      return output
    },
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
    },
  }
}
