import { Command } from 'commander'
import { startGroup } from '../group-runtime.ts'
import { type Config, ConfigError, loadConfig } from '../platform/config.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { GroupStartError } from '../platform/process-group/process-group.ts'
import { programCommand } from '../platform/program.ts'
import { startRuntime } from '../runtime.ts'
import { throwStartError } from './listen-error.ts'
import { CommandError } from './output.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { SERVE_PROCESS } from './serve-process.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'

/** `sse-update serve`. */
export const serveCommand = () =>
  new Command('serve')
    .description('Serve the API, the event streams and the dashboard.')
    .option(
      '--processes <n>',
      'processes that serve the port together, or auto for one on each core; instead of PROCESSES',
    )
    .addHelpText('after', () => settingsHelp())
    .action(serve)

async function serve({ processes }: { processes?: string }): Promise<void> {
  const config = loadConfig({ ...process.env, ...(processes !== undefined && { PROCESSES: processes }) })
  checkProcesses(config)
  const logger = createLogger(config)
  warnOfMisspellings(logger)
  await (config.processes === 1 ? serveAlone(config, logger) : serveInGroup(config, logger))
}

const serveAlone = (config: Config, logger: Logger) =>
  runUntilStopped({
    start: (signal) => startRuntime(config, logger, signal).catch((error) => throwStartError(error, config)),
    onRunning: ({ database, url }) => logger.info({ database }, `sse-update serves ${url}`),
    logger,
  })

const serveInGroup = (config: Config, logger: Logger) =>
  runUntilStopped({
    start: (signal) =>
      startGroup(config, logger, [...programCommand(), SERVE_PROCESS], signal).catch((error) =>
        throwGroupError(error, config),
      ),
    onRunning: ({ database, url }) =>
      logger.info({ database, processes: config.processes }, `sse-update serves ${url}`),
    logger,
  }).catch((error) => throwGroupError(error, config))

function throwGroupError(error: unknown, config: Config): never {
  if (!(error instanceof GroupStartError)) throwStartError(error, config)
  throw new CommandError(error.message, error.exit.code === 2 ? 2 : 1)
}

/** @throws {ConfigError} where several processes can't share a port */
function checkProcesses({ processes, http3 }: Config, platform = process.platform): void {
  if (processes === 1) return
  if (platform !== 'linux') {
    throw new ConfigError([
      `PROCESSES is ${processes}, which needs Linux: elsewhere one process would get all connections.`,
    ])
  }
  if (http3 === 'on') {
    throw new ConfigError([
      `HTTP3 is "on", which needs PROCESSES=1: when a process ends, packets of other connections would reach the wrong one.`,
    ])
  }
}
