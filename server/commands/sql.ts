import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { connectDatabase } from '../platform/database.ts'
import { createLogger } from '../platform/logger.ts'
import { openDatabase } from '../platform/start-database.ts'
import { print } from './output.ts'
import { settingsHelp } from './settings-help.ts'

/** `sse-update sql`. */
export const sqlCommand = () =>
  new Command('sql')
    .description('Run SQL on the database, and print the rows as JSON lines: for machines without psql.')
    .argument('<statements>', 'one or more SQL statements; several run in one transaction')
    .addHelpText(
      'after',
      `\nsse.publish(channel, type, data, key, origin) publishes when its transaction commits. From SQL, data has up to 1 MiB\n(1,048,576 bytes) of JSON; MAX_EVENT_BYTES limits only events that are published over HTTP, so that clients which take no\nframe of more than 64 KiB can read them.\n\nA role needs usage on schema sse to publish, and nothing else. To bind it to patterns of channels:\n  grant usage on schema sse to sse_publisher;\n  select sse.allow_publish('sse_publisher', 'orders.>');\nsse.disallow_publish takes a pattern back; a role without any publishes to all channels.\n\nExample:\n  sse-update sql "SELECT sse.publish('orders.alice.1', 'order.paid', '{\\"total\\":12}')"\n${settingsHelp(['databaseUrl', 'dataDir'])}`,
    )
    .action(async (statements: string) => {
      const config = loadConfig(process.env)
      const { address, embedded } = await openDatabase(config, createLogger(config))
      // Triggers recognise the server by its application name, and must take this for another client.
      const sql = connectDatabase(address, { max: 1, name: 'sql' })
      try {
        const rows = await sql.unsafe(statements)
        for (const row of rows.flat()) print(JSON.stringify(row))
      } finally {
        await sql.end({ timeout: 1 })
        await embedded?.stop()
      }
    })
