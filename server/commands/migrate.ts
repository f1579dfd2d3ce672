import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { describeAddress } from '../platform/database.ts'
import { createLogger } from '../platform/logger.ts'
import { openDatabase } from '../platform/start-database.ts'
import { prepareDatabase } from '../prepare-database.ts'
import { settingsHelp } from './settings-help.ts'

/** `sse-update migrate`. */
export const migrateCommand = () =>
  new Command('migrate')
    .description(
      'Apply the migrations to the database, and exit. Without DATABASE_URL, create the embedded Postgres if there is none.',
    )
    .addHelpText('after', () => settingsHelp(['databaseUrl', 'dataDir', 'logLevel', 'logFormat']))
    .action(async () => {
      const config = loadConfig(process.env)
      const logger = createLogger(config)
      const { address, embedded } = await openDatabase(config, logger, { mayCreate: true })
      try {
        await prepareDatabase(address, { migrate: 'on' }, logger)
        console.log(`The migrations are applied to ${describeAddress(address)}.`)
      } finally {
        await embedded?.stop()
      }
    })
