import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createDatabase, directly, type TestDatabase } from '../testing/database.ts'
import { createLogger } from './logger.ts'
import { StuckTransactions } from './stuck-transactions.ts'

let database: TestDatabase
let watch: StuckTransactions
beforeAll(async () => {
  database = await createDatabase()
  watch = new StuckTransactions({
    database: directly(database.sql),
    logger: createLogger({ logLevel: 'error', logFormat: 'json' }),
  })
  watch.start()
})
afterAll(async () => {
  await watch.stop()
  await database[Symbol.asyncDispose]()
})

describe('a process that freezes in a transaction', () => {
  const PROCESS = `
    import { createOutbox } from '${import.meta.dir}/../log/outbox.ts'
    import { connectDatabase } from '${import.meta.dir}/database.ts'
    const sql = connectDatabase(process.argv.at(-1), { max: 1 })
    const outbox = createOutbox({ database: { query: (run) => run(sql) }, onPublished() {} })
    await outbox.change(async (transaction) => {
      await transaction\`select from wanted for update\`
      console.log('locked')
      if (process.argv.at(-2) === 'busy') await transaction\`select from busy where n = \${1}\`
      await new Promise(() => {})
    })`

  beforeEach(async () => {
    await database.sql`drop table if exists wanted, busy`
    await database.sql`create table wanted as select 1 as n`
    await database.sql`create table busy as select 1 as n`
  })

  /** It has locked the row that is wanted, and continues with a table that may be busy, or with nothing. */
  async function startProcess(next: 'busy' | 'nothing') {
    const child = Bun.spawn([process.execPath, '-e', PROCESS, next, database.url], { stdout: 'pipe' })
    await child.stdout.getReader().read()
    return {
      freeze: () => child.kill('SIGSTOP'),
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL')
        await child.exited
      },
    }
  }

  const isWanted = async () => {
    const rows = await database.sql`select from wanted for update skip locked`
    return rows.length === 0
  }

  test('between two statements: it soon lets go of what it has locked', async () => {
    await using frozen = await startProcess('nothing')
    frozen.freeze()
    expect(await isWanted()).toBe(true)
    await database.sql`select from wanted for update`
  })

  test('in the middle of a statement: it soon lets go of what it has locked', async () => {
    const holder = await database.sql.reserve()
    await holder`begin`
    await holder`lock table busy`
    await using frozen = await startProcess('busy')
    // `postgres` asks for the types of the parameters first, and executes when it has them: it is stopped in between.
    while ((await database.sql`select from pg_locks where not granted`).length === 0);
    frozen.freeze()
    await holder`commit`
    holder.release()
    expect(await isWanted()).toBe(true)
    await database.sql`select from wanted for update`
  })
})
