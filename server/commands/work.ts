import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { startWorker } from '../worker-runtime.ts'
import { CommandError } from './output.ts'
import { runUntilStopped } from './run-until-stopped.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'

/** `sse-update work`. */
export const workCommand = () =>
  new Command('work')
    .description(
      'Run tasks without serving HTTP, on a machine of its own. WORKER_CONCURRENCY sets how many run at once.',
    )
    .addHelpText(
      'after',
      () =>
        `\n${settingsHelp(['databaseUrl', 'dataDir', 'databasePool', 'queryTimeoutMs', 'migrate', 'outboxPollMs', 'workerConcurrency', 'tasksRunningPerOwner', 'shutdownTimeoutMs', 'logLevel', 'logFormat'])}`,
    )
    .action(async () => {
      const config = loadConfig(process.env)
      const logger = createLogger(config)
      warnOfMisspellings(logger)
      if (config.workerConcurrency === 0) throw new CommandError('WORKER_CONCURRENCY is 0: no task would run.', 2)
      await runUntilStopped({
        start: (signal) => startWorker(config, logger, signal),
        onRunning: ({ database }) =>
          logger.info({ database, concurrency: config.workerConcurrency }, 'sse-update works'),
        logger,
      })
    })
