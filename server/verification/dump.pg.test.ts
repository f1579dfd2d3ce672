import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDatabase } from '../platform/database.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { testCluster } from '../testing/postgres-cluster.ts'
import { appendTo, resume } from '../testing/resume.ts'

// A dump that is restored, into another database and into the same one. pg_dump refuses a server that is newer than itself.

const canDump = await isNewEnough()
if (!canDump) {
  console.warn(
    'SKIPPED: what a client gets after pg_restore. It needs a pg_dump that is not older than Postgres: `apt-get install postgresql-client` has 15, and `bun run test:postgres` runs these tests with 15.',
  )
}

async function isNewEnough(): Promise<boolean> {
  if (!Bun.which('pg_dump') || !Bun.which('pg_restore')) return false
  const own = Number(/\d+/.exec(await Bun.$`pg_dump --version`.text())?.[0])
  const sql = connectDatabase((await testCluster()).url, { max: 1 })
  try {
    const [server] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`
    return own >= Math.floor((server?.version ?? 0) / 10_000)
  } finally {
    await sql.end()
  }
}

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-update-dump-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A database with five events, its dump, and four events that the dump does not have. */
async function dumped(database: TestDatabase) {
  const file = join(directory, `${crypto.randomUUID()}.dump`)
  const early = await appendTo(database.sql, 2)
  const kept = await appendTo(database.sql, 3)
  await Bun.$`pg_dump --format=custom --file=${file} ${database.url}`.quiet()
  const lost = await appendTo(database.sql, 4)
  return { file, early, kept, lost }
}

/**
 * Replaces what a database has by a dump. It ends with an error status: pg_restore says that keys of partitions can not be
 * dropped by themselves, and drops them with their tables later.
 */
async function restoreInto({ sql, url }: TestDatabase, file: string): Promise<void> {
  const [before] = await sql`select 'sse.head'::regclass::oid as table`
  await Bun.$`pg_restore --clean --if-exists --dbname=${url} ${file}`.quiet().nothrow()
  const [after] = await sql`select 'sse.head'::regclass::oid as table`
  expect(after?.table).not.toBe(before?.table)
}

/** Resumes right after the restore, and again when the log has grown past all cursors. */
async function expectGaps(database: TestDatabase, { early, kept, lost }: Awaited<ReturnType<typeof dumped>>) {
  await using instance = await startInstance(database.url)
  expect(await resume(instance.url, lost)).toEqual({ gap: { from: 9, to: 5, reason: 'unknown' }, positions: [6] })
  expect(await resume(instance.url, kept)).toEqual({ gap: undefined, positions: [6, 7] })
  await appendTo(database.sql, 13)
  expect(await resume(instance.url, lost)).toEqual({ gap: { from: 9, to: 20, reason: 'unknown' }, positions: [21] })
  expect((await resume(instance.url, early)).gap).toBeUndefined()
}

test.skipIf(!canDump)(
  'a dump that is restored into another database gives a gap to clients that have read beyond it',
  async () => {
    await using source = await createDatabase()
    const dump = await dumped(source)
    await using target = await createEmptyDatabase()
    await Bun.$`pg_restore --exit-on-error --dbname=${target.url} ${dump.file}`.quiet()
    await expectGaps(target, dump)
  },
)

test.skipIf(!canDump)('so does one that is restored into the same database', async () => {
  await using source = await createDatabase()
  const dump = await dumped(source)
  await restoreInto(source, dump.file)
  await expectGaps(source, dump)
})

test.skipIf(!canDump)('so does one whose data alone is restored, into tables that were emptied', async () => {
  await using source = await createDatabase()
  const dump = await dumped(source)
  await source.sql`truncate sse.head, sse.epochs, sse.log`
  await Bun.$`pg_restore --data-only --schema=sse --table=head --table=epochs --table=log_1 --exit-on-error --dbname=${source.url} ${dump.file}`.quiet()
  await expectGaps(source, dump)
})

test.skipIf(!canDump)('a dump that is restored over a log with the same events costs no client a gap', async () => {
  await using source = await createDatabase()
  const last = await appendTo(source.sql, 5)
  const file = join(directory, 'same.dump')
  await Bun.$`pg_dump --format=custom --file=${file} ${source.url}`.quiet()
  await restoreInto(source, file)
  await using instance = await startInstance(source.url)
  expect(await resume(instance.url, last)).toEqual({ gap: undefined, positions: [6] })
})
