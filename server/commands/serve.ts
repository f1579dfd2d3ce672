import { Command } from 'commander'
import { ListenError } from '../http-server.ts'
import { type Config, loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { startRuntime } from '../runtime.ts'
import { CommandError } from './output.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'

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
  await runUntilStopped({
    start: (signal) =>
      startRuntime(config, logger, signal).catch((error) => {
        // Postgres may be at an unknown host, too.
        throw error instanceof ListenError ? new CommandError(describeListenError(error, config)) : error
      }),
    onRunning: ({ database, url }) => logger.info({ database }, `sse-update serves ${url}`),
    logger,
  })
}

function describeListenError({ code, message }: ListenError, { host, port }: Config): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use by another process. Choose another port with PORT.`
    case 'EADDRNOTAVAIL':
    case 'ENOTSUP':
    case 'ENOTFOUND':
    // What Bun reports for a name that has no address.
    case 'EINPROGRESS':
      return `HOST is ${JSON.stringify(host)}, which is not an address of this machine.`
    default:
      return `Port ${port} on ${host} can't be used (HOST, PORT): ${message}`
  }
}
