import { expect, test } from 'bun:test'
import { connectDatabase, type Sql } from './platform/database.ts'
import { runCommand } from './testing/command.ts'
import { createEmptyDatabase, type TestDatabase } from './testing/database.ts'
import { startProcess } from './testing/instance.ts'
import { bearer, TOKEN_SECRET } from './testing/tokens.ts'
import { until } from './testing/until.ts'

// The roles of README.md, "Access from SQL", with the rights that it gives them and no others.

/** The SQL between two marks of the README. */
async function exampleOf(mark: string): Promise<string> {
  const readme = await Bun.file('README.md').text()
  const [, block] = readme.match(new RegExp(`<!-- ${mark} -->\\s+\`\`\`sql\\n([\\s\\S]*?)\`\`\``)) ?? []
  if (!block) throw new Error(`README.md has no example "${mark}"`)
  return block
}

/** Runs an example on a database, with roles and a database of this test's own. */
const runExample = async ({ sql, url }: Pick<TestDatabase, 'sql' | 'url'>, mark: string) =>
  sql.unsafe(
    (await exampleOf(mark))
      .replaceAll('database app', `database ${new URL(url).pathname.slice(1)}`)
      .replaceAll(/sse_(?:server|publisher|owner)\b/g, (role) => `${role}_${process.pid}`),
  )

/** Creates a role by an example. It is dropped with all that it owns when it is disposed. */
async function createLogin(database: TestDatabase, name: string, mark: string) {
  await runExample(database, mark)
  return loginOf(database, name)
}

/** A role that an example has created, as that of {@link createLogin}. */
function loginOf({ sql, url }: TestDatabase, name: string) {
  const role = `${name}_${process.pid}`
  const address = new URL(url)
  address.username = role
  address.password = 'change%20me'
  return {
    role,
    url: address.href,
    async [Symbol.asyncDispose]() {
      await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`)
    },
  }
}

const databaseOf = ({ url }: TestDatabase) => new URL(url).pathname.slice(1)

test('the server needs a role that owns its own two schemas, and an application one that may publish', async () => {
  await using database = await createEmptyDatabase()
  const name = databaseOf(database)
  await database.sql.unsafe(`revoke all on database ${name} from public; revoke all on schema public from public`)
  await using server = await createLogin(database, 'sse_server', 'server-role')
  await useServer(server.url)
  await manageKeys(server.url)

  const owned = await database.sql<{ name: string }[]>`
    select nspname::text as name from pg_namespace where nspowner = ${server.role}::regrole order by 1`
  expect(owned.map((row) => row.name)).toEqual(['sse', 'sse_tasks'])

  // Once its schemas are there, it creates no other: not even at a start.
  await runExample(database, 'server-role-later')
  await useServer(server.url)

  await using publisher = await createLogin(database, 'sse_publisher', 'publisher-role')
  await usePublisher(publisher.url, server.url)
}, 120_000)

test('the server runs with a role that owns nothing, and can neither change events nor any table', async () => {
  await using database = await createEmptyDatabase()
  const { sql, url } = database
  await sql.unsafe(
    `revoke all on database ${databaseOf(database)} from public; revoke all on schema public from public`,
  )
  await using owner = await createLogin(database, 'sse_owner', 'separate-roles')
  await using server = loginOf(database, 'sse_server')
  expect(await runCommand(['migrate'], { DATABASE_URL: owner.url })).toMatchObject({ code: 0 })
  const ownerSql = connectDatabase(owner.url, { max: 1 })
  const serverSql = connectDatabase(server.url, { max: 1 })
  try {
    await runExample({ sql: ownerSql, url }, 'server-grants')
    // Publishers are bound, which must not bind the server; and partitions are small, so that some are added and dropped.
    await ownerSql`select sse.allow_publish('*', 'public.>')`
    const partitions = await ownerSql<{ name: string }[]>`select name from sse.partition`
    for (const { name } of partitions) await ownerSql`drop table sse.${ownerSql(name)}`
    await ownerSql`update sse.head set partition_size = 2, partitioned_through = 0`
    await useServer(server.url, { MIGRATE: 'off' })
    await renewSession(server.url)
    await manageKeys(owner.url)
    const [oldest] = await sql`select first from sse.partition order by first limit 1`
    expect(oldest?.first).toBeGreaterThan(1)
    const [{ count } = { count: -1 }] = await sql<{ count: number }[]>`
      select count(*)::int as count from pg_class where relowner = ${server.role}::regrole`
    expect(count).toBe(0)

    const writable = await serverSql<{ name: string }[]>`
      select c.relname::text as name from pg_class c
      where c.relnamespace = 'sse'::regnamespace and c.relkind in ('r', 'p', 'v')
        and has_table_privilege(c.oid, 'insert, update, delete, truncate')
      order by 1`
    expect(writable.map(({ name }) => name)).toEqual([
      'deleted_keys',
      'file_parts',
      'files',
      'instances',
      'notification_deliveries',
      'notifications',
      'orders',
      'report_totals',
      'task_owners',
      'tasks',
    ])
    const codeOf = codesOf(serverSql)
    expect(await codeOf('select * from sse.log')).toBe('done')
    const [partition] = await sql`select name from sse.partition order by first desc limit 1`
    for (const statement of [
      `update sse.log set data = '0'`,
      'delete from sse.log',
      'truncate sse.log',
      `delete from sse.${partition?.name}`,
      'drop table sse.log',
      `drop table sse.${partition?.name}`,
      'alter table sse.orders add column x int',
      'drop table sse_tasks.job',
      'create table sse.t ()',
      'create table public.t ()',
      'create schema evil',
      'drop schema sse cascade',
      'update sse.head set position = 0',
      'delete from sse.outbox',
      'delete from sse.migration',
      'delete from sse.revocations',
      'delete from sse.ended_sessions',
      `update sse.ended_sessions set expires_at = now()`,
      'delete from sse.publish_grants',
      `insert into sse.access_keys (name, hash, role) values ('x', '', 'operator')`,
      `select sse.create_key('x', sha256('x'), '{}', '{}', 'operator')`,
      `select sse.allow_publish('${server.role}', '>')`,
      `select sse.allow_server('${server.role}')`,
      'select sse.add_partitions(100)',
      'create or replace function sse.cursor() returns text language sql as $$ select null $$',
      `set role ${owner.role}`,
    ]) {
      expect(await codeOf(statement), statement).toBe('42501')
    }
  } finally {
    await Promise.all([ownerSql.end({ timeout: 1 }), serverSql.end({ timeout: 1 })])
  }
}, 120_000)

/** Runs statements as a role, and returns `done` or the SQLSTATE. */
const codesOf = (sql: Sql) => (statement: string) =>
  sql.unsafe(statement).then(
    () => 'done',
    (error) => error.code as string,
  )

/** Everything that a server does with Postgres: it publishes, follows, runs tasks, purges, and is ready. */
async function useServer(url: string, settings: Record<string, string> = {}): Promise<void> {
  await using instance = await startProcess({
    DATABASE_URL: url,
    RETENTION_EVENTS: '1',
    RETENTION_INTERVAL_MS: '10',
    LAB: 'on',
    ...settings,
  })
  const post = (path: string, body: unknown) =>
    fetch(instance.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': 'alice' },
      body: JSON.stringify(body),
    })
  const json = async (path: string) =>
    (await fetch(instance.url + path, { headers: { accept: 'application/json' } })).json()
  expect(
    (
      await post(
        '/events',
        [1, 2, 3].map((data) => ({ channel: 'a', type: 't', data })),
      )
    ).status,
  ).toBe(201)
  const order = {
    customer: 'alice',
    currency: 'EUR',
    lines: [{ sku: 'A1', name: 'Tea', quantity: 1, unitPrice: 100 }],
  }
  expect((await post('/api/orders', order)).status).toBe(201)
  const task = (await (await post('/api/tasks', { kind: 'demo', input: { seconds: 1 } })).json()) as { id: number }
  const stateOf = async () => ((await json(`/api/tasks/${task.id}`)) as { state: string }).state
  await until('the task has ended well', stateOf, (state) => state === 'succeeded')
  const oldest = async () => ((await json('/events?after=earliest')) as { oldest: number }).oldest
  await until('old events are purged', oldest, (position) => position > 1)
  const readiness = async () => ((await json('/readyz')) as { status: string }).status
  await until('the server is ready', readiness, (status) => status === 'ok')
  expect((await fetch(`${instance.url}/api/cluster`)).status).toBe(200)
  expect(await instance.end('SIGTERM')).toBe(0)
  expect(instance.output).not.toContain('permission denied')
}

/** Other instances learn of a renewal, and of the end of a session, by events of the log. */
async function renewSession(url: string): Promise<void> {
  await using instance = await startProcess({ DATABASE_URL: url, MIGRATE: 'off', JWT_SECRET: TOKEN_SECRET })
  const call = async (method: string, cookie?: string) =>
    fetch(`${instance.url}/session`, {
      method,
      headers: {
        ...(method === 'POST' && (await bearer({ sub: 'alice' }))),
        ...(cookie && { cookie, origin: instance.url }),
      },
    })
  const cookieOf = (response: Response) => response.headers.getSetCookie()[0]?.split(';')[0]
  const begun = await call('POST')
  const renewed = await call('POST', cookieOf(begun))
  expect([begun.status, renewed.status]).toEqual([200, 200])
  expect((await call('DELETE', cookieOf(renewed))).ok).toBe(true)
  const page = await fetch(`${instance.url}/events?after=earliest&channel=sse.access`, {
    headers: { ...(await bearer({ sub: 'ops', role: 'operator', subscribe: ['>'] })), accept: 'application/json' },
  })
  const { events } = (await page.json()) as { events: { type: string }[] }
  expect(events.at(-1)?.type).toBe('session.ended')
}

/** What an operator does with the owner's role. */
async function manageKeys(url: string): Promise<void> {
  const env = { DATABASE_URL: url }
  expect(await runCommand(['key', 'create', '--name', 'k', '--publish', 'a'], env)).toMatchObject({ code: 0 })
  expect(await runCommand(['key', 'revoke', 'k'], env)).toMatchObject({ code: 0 })
}

/** It may publish, within the patterns that the server's role allows, and do nothing else. */
async function usePublisher(url: string, serverUrl: string): Promise<void> {
  const publisher = connectDatabase(url, { max: 1 })
  const owner = connectDatabase(serverUrl, { max: 1 })
  const codeOf = codesOf(publisher)
  try {
    expect(await codeOf(`select sse.publish('orders.1', 'order.paid', '{}')`)).toBe('done')
    await runExample({ sql: owner, url }, 'publisher-pattern')
    expect(await codeOf(`select sse.publish('orders.1', 'order.paid', '{}')`)).toBe('done')
    for (const statement of [
      `select sse.publish('chat', 't')`,
      'select * from sse.log',
      'select * from sse.outbox',
      'select * from sse.access_keys',
      'delete from sse.publish_grants',
      `select sse.revoke('subject', 'alice')`,
      'select * from sse_tasks.job',
      'create table sse.t ()',
      'create table public.t ()',
      'create schema evil',
    ]) {
      expect(await codeOf(statement), statement).toBe('42501')
    }
  } finally {
    await publisher.end({ timeout: 1 })
    await owner.end({ timeout: 1 })
  }
}
