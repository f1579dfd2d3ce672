import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { startWorker } from '../worker-runtime.ts'
import { CommandError } from './output.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'
import { stopRequested } from './stop-signal.ts'

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
      const requested = stopRequested()
      const worker = await startWorker(config, logger)
      logger.info({ database: worker.database, concurrency: config.workerConcurrency }, 'sse-update works')
      const signal = await requested
      logger.info({ signal }, 'stopping')
      await worker.stop()
      logger.info('stopped')
    })
