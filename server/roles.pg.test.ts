import { expect, test } from 'bun:test'
import { connectDatabase } from './platform/database.ts'
import { runCommand } from './testing/command.ts'
import { createEmptyDatabase, type TestDatabase } from './testing/database.ts'
import { startInstance } from './testing/instance.ts'
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
      .replace('database app', `database ${new URL(url).pathname.slice(1)}`)
      .replaceAll(/sse_(?:server|publisher)\b/g, (role) => `${role}_${process.pid}`),
  )

/** Creates a role by an example. It is dropped with all that it owns when it is disposed. */
async function createLogin(database: TestDatabase, name: string, mark: string) {
  const { sql, url } = database
  const role = `${name}_${process.pid}`
  await runExample(database, mark)
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

  const owned = await database.sql<{ name: string }[]>`
    select nspname::text as name from pg_namespace where nspowner = ${server.role}::regrole order by 1`
  expect(owned.map((row) => row.name)).toEqual(['sse', 'sse_tasks'])

  // Once its schemas are there, it creates no other: not even at a start.
  await runExample(database, 'server-role-later')
  await useServer(server.url)

  await using publisher = await createLogin(database, 'sse_publisher', 'publisher-role')
  await usePublisher(publisher.url, server.url)
}, 120_000)

/** Everything that a server does with Postgres: it publishes, follows, runs tasks, purges, and is ready. */
async function useServer(url: string): Promise<void> {
  await using instance = await startInstance(url, { RETENTION_EVENTS: '1', RETENTION_INTERVAL_MS: '10', LAB: 'on' })
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
  const task = (await (await post('/api/tasks', { kind: 'demo', input: { seconds: 1 } })).json()) as { id: number }
  const stateOf = async () => ((await json(`/api/tasks/${task.id}`)) as { state: string }).state
  await until('the task has ended well', stateOf, (state) => state === 'succeeded')
  const oldest = async () => ((await json('/events?after=earliest')) as { oldest: number }).oldest
  await until('old events are purged', oldest, (position) => position > 1)
  const readiness = async () => ((await json('/readyz')) as { status: string }).status
  await until('the server is ready', readiness, (status) => status === 'ok')
  expect((await fetch(`${instance.url}/api/cluster`)).status).toBe(200)
  const created = await runCommand(['key', 'create', '--name', `k${task.id}`, '--publish', 'a'], { DATABASE_URL: url })
  expect(created).toMatchObject({ code: 0 })
  const revoked = await runCommand(['key', 'revoke', `k${task.id}`], { DATABASE_URL: url })
  expect(revoked).toMatchObject({ code: 0 })
}

/** It may publish, within the patterns that the server's role allows, and do nothing else. */
async function usePublisher(url: string, serverUrl: string): Promise<void> {
  const publisher = connectDatabase(url, { max: 1 })
  const owner = connectDatabase(serverUrl, { max: 1 })
  const codeOf = (statement: string) =>
    publisher.unsafe(statement).then(
      () => 'done',
      (error) => error.code,
    )
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
