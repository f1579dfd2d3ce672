import { Command } from 'commander'
import { ListenError } from '../http-server.ts'
import { loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { startRuntime } from '../runtime.ts'
import { CommandError } from './output.ts'
import { settingsHelp } from './settings-help.ts'
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
  const requested = stopRequested()
  const runtime = await startRuntime(config, logger).catch((error) => {
    // Postgres may be at an unknown host, too.
    if (!(error instanceof ListenError)) throw error
    switch (error.code) {
      case 'EADDRINUSE':
        throw new CommandError(
          `Port ${config.port} on ${config.host} is in use by another process. Choose another port with PORT.`,
        )
      case 'EADDRNOTAVAIL':
      case 'ENOTSUP':
      case 'ENOTFOUND':
      // What Bun reports for a name that has no address.
      case 'EINPROGRESS':
        throw new CommandError(`HOST is ${JSON.stringify(config.host)}, which is not an address of this machine.`)
      default:
        throw new CommandError(`Port ${config.port} on ${config.host} can't be used (HOST, PORT): ${error.message}`)
    }
  })
  logger.info({ database: runtime.database }, `sse-update serves ${runtime.url}`)
  const signal = await requested
  logger.info({ signal }, 'stopping')
  await runtime.stop()
  logger.info('stopped')
}
