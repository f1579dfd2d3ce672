import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { codeOf } from '../platform/errors.ts'
import { createLogger } from '../platform/logger.ts'
import { startRuntime } from '../runtime.ts'
import { CommandError } from './output.ts'
import { settingsHelp } from './settings-help.ts'

export const serveCommand = () =>
  new Command('serve')
    .description('Serve the API, the event streams and the dashboard.')
    .addHelpText('after', () => settingsHelp())
    .action(serve)

async function serve(): Promise<void> {
  const config = loadConfig(process.env)
  const logger = createLogger(config)
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.once(signal, () => {
        // Whoever asks twice does not want to wait.
        process.once(signal, () => process.exit(1))
        resolve(signal)
      })
    }
  })
  const runtime = await startRuntime(config, logger).catch((error) => {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    throw new CommandError(
      `Port ${config.port} on ${config.host} is taken by another process. Choose another with PORT.`,
    )
  })
  logger.info({ database: runtime.database }, `sse-update serves ${runtime.url}`)
  const signal = await stopRequested
  logger.info({ signal }, 'stopping')
  await runtime.stop()
  logger.info('stopped')
}
