import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { codeOf } from '../platform/errors.ts'
import { createLogger } from '../platform/logger.ts'
import { startRuntime } from '../runtime.ts'
import { CommandError } from './output.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'
import { stopRequested } from './stop-signal.ts'

/** `sse-update serve`. */
export const serveCommand = () =>
  new Command('serve')
    .description('Serve the API, the event streams and the dashboard.')
    .addHelpText('after', () => settingsHelp())
    .action(serve)

async function serve(): Promise<void> {
  const config = loadConfig(process.env)
  const logger = createLogger(config)
  warnOfMisspellings(logger)
  const requested = stopRequested()
  const runtime = await startRuntime(config, logger).catch((error) => {
    switch (codeOf(error)) {
      case 'EADDRINUSE':
        throw new CommandError(
          `Port ${config.port} on ${config.host} is in use by another process. Choose another port with PORT.`,
        )
      case 'EADDRNOTAVAIL':
      case 'ENOTSUP':
      case 'ENOTFOUND':
        throw new CommandError(`HOST is ${JSON.stringify(config.host)}, which is not an address of this machine.`)
      default:
        throw error
    }
  })
  logger.info({ database: runtime.database }, `sse-update serves ${runtime.url}`)
  const signal = await requested
  logger.info({ signal }, 'stopping')
  await runtime.stop()
  logger.info('stopped')
}
