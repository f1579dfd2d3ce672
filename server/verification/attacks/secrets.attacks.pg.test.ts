import { expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runCommand } from '../../testing/command.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startProcess } from '../../testing/instance.ts'
import { tokenOf } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'

// Each secret holds a mark by which it is found in whatever the program prints, logs or responds.

const MARK = 'm4rkedS3cret'
const JWT_SECRET = `${MARK}-jwt-0123456789-0123456789`
const CONFIGURED = `${MARK}-key-0123456789-0123456789`
const PUBLISH_KEYS = JSON.stringify([{ name: 'billing', key: CONFIGURED, publish: ['orders.>'] }])

/** The database, by a role whose password is marked. */
async function markedUrl({ sql, url }: TestDatabase, role: string): Promise<string> {
  const password = `${MARK}-db/?#${process.pid}`
  await sql.unsafe(`create role ${role} login superuser password '${password}'`)
  const address = new URL(url)
  address.username = role
  address.password = encodeURIComponent(password)
  return address.href
}

test('a server shows no secret in its log and its responses, whatever fails', async () => {
  await using database = await createDatabase()
  const role = `marked_${process.pid}`
  const DATABASE_URL = await markedUrl(database, role)
  const created = await runCommand(['key', 'create', '--name', 'stored', '--publish', 'a'], { DATABASE_URL })
  const key = created.out.trim()
  const token = await tokenOf({ sub: 'ops', role: 'operator' }, { secret: JWT_SECRET })
  const forged = await tokenOf({ sub: 'eve' }, { secret: `${JWT_SECRET}x` })
  const expired = await tokenOf({ sub: 'eve' }, { secret: JWT_SECRET, ttl: -600 })
  const secrets = [MARK, encodeURIComponent(MARK), key, token, forged, expired, ...[token, forged].map(signatureOf)]

  await using server = await startProcess({ DATABASE_URL, JWT_SECRET, PUBLISH_KEYS, LOG_LEVEL: 'debug', LAB: 'on' })
  const bodies: string[] = []
  const request = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) => {
    const response = await fetch(server.url + path, { ...init, headers, signal: AbortSignal.timeout(20_000) })
    bodies.push(
      `${path.split('?')[0]} ${response.status} ${JSON.stringify(headersOf(response))} ${await response.text()}`,
    )
    return response.status
  }
  const operator = { authorization: `Bearer ${token}`, accept: 'application/json' }
  const session = { cookie: `sse_session=${'i'.repeat(22)}.${token}` }

  for (const path of [
    '/',
    '/metrics',
    '/readyz',
    '/healthz',
    '/api/cluster',
    '/openapi.json',
    '/asyncapi.json',
    '/cluster',
  ]) {
    await request(path, operator)
  }
  for (const credential of [
    forged,
    expired,
    key,
    CONFIGURED,
    `${key}x`,
    `${MARK}.${MARK}.${MARK}`,
    MARK,
    `${MARK} ${MARK}`,
  ]) {
    await request('/api/orders', { ...operator, authorization: `Bearer ${credential}` })
    await request('/events?channel=a', { ...operator, authorization: credential })
  }
  await request('/api/orders', { ...operator, ...session })
  await request('/events?channel=a', { ...session, accept: 'application/json' })
  const post = {
    method: 'POST',
    body: JSON.stringify([
      { channel: 'a', type: 't', key: 'k' },
      { channel: 'sse.x', type: 't' },
    ]),
  }
  await request('/events', { ...operator, 'content-type': 'application/json' }, post)
  await request('/session', operator, { method: 'POST' }).catch(() => 0)

  // A table is gone: the request fails with the error of Postgres, and its URL is logged.
  await database.sql`alter table sse.orders rename to orders_gone`
  const failed = await request(`/api/orders?customer=${key}`, { ...operator, ...session })
  await request(`/api/orders?customer=${CONFIGURED}`, operator)
  await request(`/api/orders?token=${token}`, operator)
  expect(failed).toBe(500)
  await database.sql`alter table sse.orders_gone rename to orders`

  // Postgres refuses the role: every part of the server reports it.
  await database.sql.unsafe(`alter role ${role} nologin`)
  await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`
  const history = () => request(`/events?before=latest&type=${token}`, operator)
  await until('the database is unavailable', history, (status) => status === 503)
  await request('/readyz', operator)
  await database.sql.unsafe(`alter role ${role} login`)
  await until(
    'the server is ready',
    () => request('/readyz', operator),
    (status) => status === 200,
  )
  await server.end('SIGTERM')

  expect(server.output).toContain('a request failed')
  expect(server.output).toContain('/api/orders?customer=[key]')
  expect(server.output).toContain('type=[token]')
  for (const secret of secrets) {
    expect(linesWith(server.output, secret)).toEqual([])
    expect(bodies.filter((body) => body.includes(secret)).map((body) => body.slice(0, 200))).toEqual([])
  }
  await database.sql.unsafe(`drop role ${role}`)
}, 120_000)

/** The cookie of a session is for the browser: the one place where a token is sent. */
const headersOf = ({ headers }: Response) => [...headers].filter(([name]) => name !== 'set-cookie')

const signatureOf = (token: string) => token.split('.')[2] ?? ''
const linesWith = (text: string, secret: string) => text.split('\n').filter((line) => line.includes(secret))

const privateKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const markedToken = `eyJhbGciOiJIUzI1NiJ9.${MARK}.${MARK}`
const unreachable = `postgres://me:${MARK}@127.0.0.1:1/x`

test.each([
  [['serve'], { JWT_SECRET: MARK }],
  [['serve'], { PUBLISH_KEYS: `[{"name":"a","key":"${MARK}"` }],
  [['serve'], { PUBLISH_KEYS: `[{"name":"${'x'.repeat(99)}","key":"${CONFIGURED}","publish":[]}]` }],
  [['serve'], { PUBLISH_KEYS: `[{"name":"a","key":"${CONFIGURED}","publish":["a..b"]}]` }],
  [['serve'], { JWT_ISSUERS: `[{"issuer":"a","secret":"${MARK}"}]` }],
  [['serve'], { JWT_ISSUERS: `{"secret":"${MARK}` }],
  [['serve'], { JWT_SECRET, JWT_PUBLIC_KEY: MARK }],
  [['serve'], { JWT_PUBLIC_KEY: `${privateKey}${MARK}` }],
  [['serve'], { JWKS_URL: `ftp://me:${MARK}@host/keys` }],
  [['serve'], { JWKS_URL: `http://me:${MARK}@host/keys` }],
  [['serve'], { DATABASE_URL: `me:${MARK}@host/x` }],
  [['serve'], { DATABASE_URL: `mysql://me:${MARK}@host/x?password=${MARK}` }],
  [['serve'], { DATABASE_LISTEN_URL: `http://me:${MARK}/@${MARK}@host/x` }],
  [['sql', 'select 1'], { DATABASE_URL: unreachable }],
  [['sql', 'select 1'], { DATABASE_URL: `postgres://me:%${MARK}@127.0.0.1:1/x` }],
  [['key', 'list'], { DATABASE_URL: unreachable }],
  [['token', '--sub', 'a'], { JWT_SECRET: MARK }],
  [['publish', 'a', 't', '--url', `http://me:${MARK}@127.0.0.1:1`], {}],
  [['publish', 'a', 't', '--url', `ftp://me:${MARK}@127.0.0.1:1`], {}],
  [['publish', 'a', 't', '--url', 'http://127.0.0.1:1'], { SSE_UPDATE_TOKEN: `${MARK}\n${MARK}` }],
  [['bench', '--url', `http://me:${MARK}@127.0.0.1:1`, '--token', markedToken], {}],
  [['demo', '--url', `http://me:${MARK}@127.0.0.1:1`, '--token', markedToken], {}],
  [['revoke', '--token', markedToken], {}],
  [['revoke', '--subject', markedToken], {}],
  [['key', 'create', '--role', 'operator', '--name', `ssek_${MARK}`], {}],
  [['serve', '--database-url', unreachable], {}],
  [['serve', `--database-url=${unreachable}`], {}],
  [['serve', `--jwt-secret=${MARK}`], {}],
  [['serve', `JWT_SECRET=${MARK}`], {}],
  [['key', 'create', '--name', 'a', '--role', MARK], {}],
  [['token', '--sub', 'a', '--ttl', MARK], { JWT_SECRET }],
  [['bench', '--rate', MARK], {}],
  [['tail', 'a', `--tokn=${MARK}`], {}],
  [['publish', 'a', 't', '1', MARK], {}],
  [['revoke', MARK], {}],
  [['key', MARK], {}],
  [[MARK], {}],
  [['--token', MARK, 'tail'], {}],
  [[`--token=${MARK}`, 'tail'], {}],
  [[`-t${MARK}`], {}],
] as [string[], Record<string, string>][])(
  '%j shows no secret of its settings and options: %#',
  async (args, env) => {
    const { out, error, code } = await runCommand(args, { PORT: '0', ...env })
    expect(code).not.toBe(0)
    expect(error).not.toBe('')
    expect(linesWith(out + error, MARK)).toEqual([])
  },
  60_000,
)

test.each([[[]], [['serve']], [['token']], [['key', 'create']], [['publish']], [['verify']]])(
  '%j --help shows no secret',
  async (args) => {
    const env = { JWT_SECRET, PUBLISH_KEYS, DATABASE_URL: unreachable, SSE_UPDATE_TOKEN: markedToken }
    const { out, code } = await runCommand([...args, '--help'], { ...env, SSE_UPDATE_URL: `http://me:${MARK}@host` })
    expect([code, linesWith(out, MARK)]).toEqual([0, []])
  },
)

// An error that nobody handles, with what libraries put into errors.
test.each(['throw error', 'Promise.reject(error)'])(
  'a crash shows no secret of the settings: %s',
  async (failure) => {
    const preload = join(await mkdtemp(join(tmpdir(), 'sse-update-crash-')), 'crash.ts')
    await Bun.write(
      preload,
      `setTimeout(() => {
        const url = process.env.DATABASE_URL
        const config = { url, headers: { authorization: 'Bearer ' + process.env.JWT_SECRET } }
        const error = Object.assign(new Error('no connection to ' + url, { cause: new Error(url) }), { config })
        ${failure}
      }, 1000)`,
    )
    const child = Bun.spawn([process.execPath, '--preload', preload, 'server/main.ts', 'tail', 'a'], {
      env: {
        PATH: process.env.PATH ?? '',
        DATABASE_URL: unreachable,
        JWT_SECRET,
        SSE_UPDATE_URL: 'http://127.0.0.1:1',
      },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, error] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    expect([await child.exited, error]).toEqual([
      1,
      expect.stringContaining('no connection to postgres://…@127.0.0.1:1/x'),
    ])
    expect(linesWith(out + error, MARK)).toEqual([])
    await rm(dirname(preload), { recursive: true })
  },
  60_000,
)
