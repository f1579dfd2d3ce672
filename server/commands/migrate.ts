import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { connectDatabase, describeAddress } from '../platform/database.ts'
import { createLogger } from '../platform/logger.ts'
import { applyMigrations, openDatabase } from '../platform/start-database.ts'
import { installQueue } from '../tasks/queue.ts'
import { settingsHelp } from './settings-help.ts'

export const migrateCommand = () =>
  new Command('migrate')
    .description('Apply the migrations to the database, and exit.')
    .addHelpText('after', () => settingsHelp(['databaseUrl', 'dataDir', 'logLevel', 'logFormat']))
    .action(async () => {
      const config = loadConfig(process.env)
      const logger = createLogger(config)
      const { address, embedded } = await openDatabase(config, logger)
      const sql = connectDatabase(address, { max: 2, name: 'sse-update migrate' })
      try {
        await applyMigrations(sql, { migrate: 'on' }, logger)
        await installQueue({ query: (run) => Promise.resolve(run(sql)) }, logger)
        console.log(`The migrations are applied to ${describeAddress(address)}.`)
      } finally {
        await sql.end({ timeout: 1 })
        await embedded?.stop()
      }
    })
