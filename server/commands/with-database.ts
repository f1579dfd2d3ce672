import { loadConfig } from '../platform/config.ts'
import { connectDatabase } from '../platform/database.ts'
import { codeOf } from '../platform/errors.ts'
import { createLogger } from '../platform/logger.ts'
import type { Database } from '../platform/pool.ts'
import { openDatabase } from '../platform/start-database.ts'
import { CommandError } from './output.ts'

/** SQLSTATE of schemas, tables and functions that do not exist. */
const MISSING = new Set(['3F000', '42P01', '42883'])

/**
 * Runs a command on the database of the configuration, by one connection.
 *
 * @throws {CommandError} when the database lacks migrations
 * @throws what the command throws
 */
export async function withDatabase<T>(run: (database: Database) => Promise<T>): Promise<T> {
  const config = loadConfig(process.env)
  const { address, embedded } = await openDatabase(config, createLogger(config))
  // Triggers recognise the server by its application name, and must take this for another client.
  const sql = connectDatabase(address, { max: 1, name: 'sse-update command' })
  try {
    return await run({ query: async (query) => query(sql) })
  } catch (error) {
    if (!MISSING.has(codeOf(error) ?? '')) throw error
    throw new CommandError('The database lacks migrations. Run "sse-update migrate" first.')
  } finally {
    await sql.end({ timeout: 1 })
    await embedded?.stop()
  }
}
