import type { TransactionSql } from 'postgres'
import type { Sql } from './database.ts'
import { codeOf } from './errors.ts'
import { watchLocks } from './lock-watch.ts'
import type { Logger } from './logger.ts'
import { MigrationError } from './migration-error.ts'
import { SECOND } from './time.ts'

/** How a start waits for locks. */
export interface StartLockOptions {
  /** Logs the sessions that a start waits for. Defaults to none. */
  logger?: Logger
  /** Milliseconds to wait for each lock. Defaults to `30_000`. */
  timeout?: number
}

/** The `sql` of a transaction. */
export type Transaction = TransactionSql<{ bigint: number }>

/** `unique_violation`, `duplicate_schema`, `duplicate_table`: another instance created it at the same moment. */
const CREATED_MEANWHILE: ReadonlySet<string> = new Set(['23505', '42P06', '42P07'])
/** `lock_not_available`: what `lock_timeout` raises. */
const LOCK_TIMEOUT = '55P03'

/**
 * Runs a step of a start in a transaction that locks the table `sse.migration`, and creates it where it is missing: one
 * instance after the other. Other roles have no right on the table, so that they can't hold the lock, unlike an advisory
 * lock. A start that waits for this or another lock logs the sessions that hold it after a second.
 *
 * @param sql a pool of at least two connections: the second one reads what the first one waits for
 * @throws {MigrationError} `migration.blocked` when a lock was not available in time; the message names its holders
 */
export async function withStartLock<T>(
  sql: Sql,
  { logger, timeout = 30 * SECOND }: StartLockOptions,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const watch = watchLocks(sql, Math.min(SECOND, timeout / 4), logger)
  try {
    return (await sql.begin(async (transaction) => {
      // A process that freezes during its start does not prevent others from starting.
      await transaction`set local idle_in_transaction_session_timeout = '30s'`
      const [session] = await transaction<{ pid: number }[]>`
        select pg_backend_pid() as pid, set_config('lock_timeout', ${`${Math.round(timeout)}ms`}, true)`
      if (session) watch.start(session.pid)
      await createLedger(transaction)
      await transaction`lock table sse.migration in exclusive mode`
      return work(transaction)
    })) as T
  } catch (error) {
    if (codeOf(error) !== LOCK_TIMEOUT) throw error
    throw new MigrationError(
      'migration.blocked',
      `The start waited ${timeout / SECOND} s for a lock in the database and gave up. It was held by ${watch.holders ?? 'a session that ended just now'}. End that session (select pg_terminate_backend(pid)), or start again when it is done.`,
    )
  } finally {
    watch.stop()
  }
}

/** Creates the table of applied migrations, and waits for another instance that is creating it. */
async function createLedger(transaction: Transaction): Promise<void> {
  const isMissing = async () => {
    const [row] = await transaction<{ missing: boolean }[]>`select to_regclass('sse.migration') is null as missing`
    return row?.missing === true
  }
  while (await isMissing()) {
    await transaction
      .savepoint(async (attempt) => {
        await attempt`create schema if not exists sse`
        await attempt`
          create table sse.migration (
            version    integer primary key,
            name       text not null,
            checksum   text not null,
            applied_at timestamptz not null default now()
          )`
      })
      .catch((error) => {
        if (!CREATED_MEANWHILE.has(codeOf(error) ?? '')) throw error
      })
  }
}
