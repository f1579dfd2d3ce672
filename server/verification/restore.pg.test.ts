import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { startOwnPostgres } from '../testing/own-postgres.ts'
import { backUp, type PostgresCopy, startCopy } from '../testing/postgres-copy.ts'
import { appendTo, resume } from '../testing/resume.ts'
import { openStream, positionOf, publish } from '../testing/stream-reader.ts'

// What a client gets whose cursor comes from before a restart, a promotion or a restore. pg_dump has a file of its own.

/** A stopped Postgres with a migrated database, whose log is empty: the others are copies of it. */
let template: PostgresCopy
beforeAll(async () => {
  template = await startCopy()
  await using _ = await startInstance(template.url)
})
beforeAll(() => template.stop())
afterAll(() => template[Symbol.asyncDispose]())

/** It keeps its WAL, from which a backup is recovered. */
const startPrimary = () => startCopy({ from: template.files, settings: { wal_keep_size: '1GB' } })

/** Runs an instance on a Postgres, and resumes from each cursor, one after the other. */
async function resumeEach(url: string, cursors: readonly string[]) {
  await using instance = await startInstance(url)
  const all = []
  for (const cursor of cursors) all.push(await resume(instance.url, cursor))
  return all
}

describe('a base backup that is recovered to a point in time', () => {
  test('gives a gap to a client that has read beyond that point, also when the log has grown past its cursor', async () => {
    await using primary = await startPrimary()
    const atBackup = await primary.query((sql) => appendTo(sql, 2))
    await using backup = await backUp(primary)
    const atPoint = await primary.query((sql) => appendTo(sql, 3))
    await primary.query((sql) => sql`select pg_create_restore_point('here')`)
    const lost = await primary.query((sql) => appendTo(sql, 4))
    await primary.stop()
    await using recovered = await startCopy({
      ...backup,
      signal: 'recovery',
      settings: {
        restore_command: `cp ${primary.files}/pg_wal/%f %p`,
        recovery_target_name: 'here',
        recovery_target_action: 'promote',
      },
    })
    await promoted(recovered)
    expect(await resumeEach(recovered.url, [atBackup, atPoint, lost])).toEqual([
      { gap: undefined, positions: [3, 4, 5, 6] },
      { gap: undefined, positions: [6, 7] },
      { gap: { from: 9, to: 7, reason: 'unknown' }, positions: [8] },
    ])
    await recovered.query((sql) => appendTo(sql, 10))
    expect(await resumeEach(recovered.url, [lost, atPoint])).toEqual([
      { gap: { from: 9, to: 18, reason: 'unknown' }, positions: [19] },
      { gap: undefined, positions: Array.from({ length: 15 }, (_, index) => 6 + index) },
    ])
  })
})

describe('a promoted standby', () => {
  const startStandby = async (primary: PostgresCopy) => {
    await using backup = await backUp(primary)
    return await startCopy({
      ...backup,
      signal: 'standby',
      settings: { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres` },
    })
  }

  test('that has everything costs no client a gap', async () => {
    await using primary = await startPrimary()
    await using standby = await startStandby(primary)
    const early = await primary.query((sql) => appendTo(sql, 2))
    const last = await primary.query((sql) => appendTo(sql, 3))
    await caughtUp(standby, 5)
    await primary.stop()
    await standby.query((sql) => sql`select pg_promote()`)
    expect(await resumeEach(standby.url, [last, early])).toEqual([
      { gap: undefined, positions: [6] },
      { gap: undefined, positions: [3, 4, 5, 6, 7] },
    ])
  })

  test('that lacks the last events gives a gap to clients that have read them, and to no other', async () => {
    await using primary = await startPrimary()
    await using standby = await startStandby(primary)
    const kept = await primary.query((sql) => appendTo(sql, 3))
    await caughtUp(standby, 3)
    await standby.query((sql) => sql`alter system set primary_conninfo = ''`)
    await standby.query((sql) => sql`select pg_reload_conf()`)
    await until(standby, (sql) => sql`select not exists (select from pg_stat_wal_receiver) as done`)
    const lost = await primary.query((sql) => appendTo(sql, 2))
    await primary.stop()
    await standby.query((sql) => sql`select pg_promote()`)
    expect(await resumeEach(standby.url, [kept, lost])).toEqual([
      { gap: undefined, positions: [4] },
      { gap: { from: 5, to: 4, reason: 'unknown' }, positions: [5] },
    ])
  })
})

test('a copy of the files of an earlier time gives a gap to clients that have read further', async () => {
  await using primary = await startPrimary()
  const kept = await primary.query((sql) => appendTo(sql, 3))
  await primary.stop()
  await using snapshot = await startCopy({ from: primary.files })
  await primary.start()
  const lost = await primary.query((sql) => appendTo(sql, 2))
  await primary.stop()
  // It grows past the cursor before a client reconnects: then only the epoch distinguishes the two logs.
  await snapshot.query((sql) => appendTo(sql, 4))
  expect(await resumeEach(snapshot.url, [kept, lost])).toEqual([
    { gap: undefined, positions: [4, 5, 6, 7, 8] },
    { gap: { from: 5, to: 8, reason: 'unknown' }, positions: [9] },
  ])
})

test('a restart of Postgres causes no gap: the stream continues, and earlier cursors stay valid', async () => {
  await using postgres = await startOwnPostgres()
  await using instance = await startInstance(postgres.url, { POLL_INTERVAL_MS: '50' })
  await using reader = await openStream(instance.url, ['c'])
  await publish(instance.url, [{ channel: 'c', type: 'before' }])
  await reader.untilEvents(1)
  const before = reader.frames.at(-1)?.id ?? ''
  await postgres.kill('SIGINT')
  while ((await fetch(`${instance.url}/readyz`)).status !== 200) await Bun.sleep(20)
  await publish(instance.url, [{ channel: 'c', type: 'after' }])
  await reader.untilEvents(2)
  expect(reader.frames.map(({ event }) => event)).not.toContain('gap')
  const after = reader.frames.at(-1)?.id ?? ''
  expect([positionOf(before), positionOf(after)]).toEqual([1, 2])
  expect(epochOf(after)).not.toBe(epochOf(before))
  expect(await resume(instance.url, before)).toEqual({ gap: undefined, positions: [2, 3] })
  const forged = `2-${epochOf(before)}`
  expect((await resume(instance.url, forged)).gap).toEqual({ from: 2, to: 3, reason: 'unknown' })
})

describe('a log that is replaced under a running instance', () => {
  test('has another epoch within the poll interval, also while nothing is published', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { POLL_INTERVAL_MS: '20', HEARTBEAT_MS: '100' })
    const [position] = await publish(instance.url, [{ channel: 'c', type: 't' }])
    await using reader = await openStream(instance.url, ['c'])
    const before = reader.frames[0]?.id ?? ''
    await database.sql`update sse.head set incarnation = 'elsewhere'`
    await reader.until(({ frames }) => epochOf(frames.at(-1)?.id ?? '') !== epochOf(before))
    expect(reader.frames.map(({ event, id }) => [event, positionOf(id)])).not.toContainEqual(['gap', position])
    expect((await resume(instance.url, before)).gap).toBeUndefined()
  })

  test('ends before its position, and no trigger has seen it: no cursor of before is valid', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { POLL_INTERVAL_MS: '20' })
    await publish(
      instance.url,
      [1, 2, 3].map((data) => ({ channel: 'c', type: 't', data })),
    )
    await using reader = await openStream(instance.url, ['c'], { 'last-event-id': '0' })
    await reader.untilEvents(3)
    const first = reader.frames.find(({ event }) => event === 't')?.id ?? ''
    await database.sql.begin(async (transaction) => {
      await transaction`alter table sse.head disable trigger follow_head`
      await transaction`delete from sse.log where position > 2`
      await transaction`update sse.head set position = 2`
    })
    await reader.until(({ frames }) => frames.at(-1)?.event === 'gap')
    expect(JSON.parse(reader.frames.at(-1)?.data ?? '')).toEqual({ from: 3, to: 2, reason: 'unknown' })
    expect((await resume(instance.url, first)).gap).toEqual({ from: 1, to: 2, reason: 'unknown' })
  })

  test('has other events at its position, and no trigger has seen it: no cursor of before is valid', async () => {
    await using database = await createDatabase()
    await using instance = await startInstance(database.url, { POLL_INTERVAL_MS: '20' })
    await using reader = await openStream(instance.url, ['c'])
    await publish(instance.url, [{ channel: 'c', type: 't' }])
    await reader.untilEvents(1)
    const before = reader.frames.at(-1)?.id ?? ''
    await database.sql`update sse.log set time = time - interval '1 hour'`
    await reader.until(({ frames }) => frames.at(-1)?.event === 'gap')
    expect((await resume(instance.url, before)).gap?.reason).toBe('unknown')
  })
})

const epochOf = (cursor: string) => cursor.split('-')[1]

const promoted = (postgres: PostgresCopy) => until(postgres, (sql) => sql`select not pg_is_in_recovery() as done`)

const caughtUp = (standby: PostgresCopy, position: number) =>
  until(standby, (sql) => sql`select position >= ${position} as done from sse.head`)

/** Resolves when a query says so: Postgres sends no notification of it. */
async function until(postgres: PostgresCopy, query: Parameters<PostgresCopy['query']>[0]): Promise<void> {
  while (!((await postgres.query(query)) as { done: boolean }[])[0]?.done) await Bun.sleep(20)
}
