import { expect, test } from 'bun:test'
import { availableParallelism } from 'node:os'
import { ConfigError, loadConfig, settings } from './config.ts'

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test('an empty environment gives the defaults', () => {
  expect(loadConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    databaseUrl: undefined,
    heartbeatMs: 15_000,
    flushIntervalMs: 5,
    maxEventBytes: 61_440,
  })
})

test('an empty variable is a missing one', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: ' ' })).toEqual(loadConfig({}))
})

test('all bad values are named at once, with what they got and what they want', () => {
  expect(problemsOf({ PORT: '80x', HEARTBEAT_MS: '1', MIGRATE: 'maybe', DATABASE_URL: 'mysql://localhost/x' })).toEqual(
    [
      'PORT is "80x", wants a whole number from 0 to 65535',
      'DATABASE_URL is "mysql://localhost/x", wants a URL such as postgres://user:password@host:5432/database',
      'MIGRATE is "maybe", wants one of on, off',
      'HEARTBEAT_MS is "1", wants a whole number from 100 to 3600000 (ms)',
    ],
  )
})

test('bounds are part of a range', () => {
  expect(loadConfig({ HEARTBEAT_MS: '100' }).heartbeatMs).toBe(100)
  expect(loadConfig({ HEARTBEAT_MS: '3600000' }).heartbeatMs).toBe(3_600_000)
  expect(problemsOf({ HEARTBEAT_MS: '99' })).toHaveLength(1)
  expect(problemsOf({ HEARTBEAT_MS: '3600001' })).toHaveLength(1)
})

test('values are read without the white space around them', () => {
  expect(loadConfig({ PORT: ' 81 ', MIGRATE: 'off ', LOG_LEVEL: ' warn' })).toMatchObject({
    port: 81,
    migrate: 'off',
    logLevel: 'warn',
  })
})

test('settings are explained with their units and defaults', () => {
  expect(settings.migrate).toMatchObject({ unit: 'on | off', shown: 'on' })
  expect(settings.port).toMatchObject({ unit: undefined, shown: '8080' })
  expect(settings.heartbeatMs).toMatchObject({ unit: 'ms', shown: '15000' })
  expect(settings.retention).toMatchObject({ unit: 's, m, h or d', shown: '7d' })
  expect(settings.dataDir).toMatchObject({ fallback: undefined, shown: '.data, or under /var/lib/sse-update' })
  expect(settings.allowedHosts).toMatchObject({ unit: 'names, separated by commas', shown: undefined, fallback: [] })
})

test('a number is digits alone', () => {
  for (const value of ['-1', '1.5', '1e3', '0x10', '70000', 'NaN']) expect(problemsOf({ PORT: value })).toHaveLength(1)
})

test('a span of time has a unit', () => {
  expect(loadConfig({}).retention).toBe(7 * 24 * 3_600_000)
  expect(loadConfig({ RETENTION: '36h' }).retention).toBe(36 * 3_600_000)
  expect(loadConfig({ RETENTION: '90m' }).retention).toBe(90 * 60_000)
  expect(loadConfig({ RETENTION: '30s' }).retention).toBe(30_000)
  expect(loadConfig({ RETENTION: '2d' }).retention).toBe(2 * 86_400_000)
  expect(loadConfig({ RETENTION: '0' }).retention).toBe(0)
  for (const value of ['7', '7 days', '-1d', 'd'])
    expect(problemsOf({ RETENTION: value })[0]).toContain('wants a span of time')
})

test('hosts are names without ports, as browsers write them', () => {
  expect(loadConfig({ ALLOWED_HOSTS: 'App.Example., *.shop.example,[::1] ,127.1, *' }).allowedHosts).toEqual([
    'app.example',
    '*.shop.example',
    '[::1]',
    '127.0.0.1',
    '*',
  ])
  for (const value of ['app.example:8080', 'http://app.example', 'a b', '*x', '*.*.x', '*.'])
    expect(problemsOf({ ALLOWED_HOSTS: value })[0], value).toContain('wants names without ports')
})

test('origins are exact', () => {
  expect(loadConfig({ ALLOWED_ORIGINS: 'https://App.Example:443, http://localhost:3000' }).allowedOrigins).toEqual([
    'https://app.example',
    'http://localhost:3000',
  ])
  for (const value of ['*', 'null', 'app.example', 'https://*.example', 'https://app.example/x', 'file:///x'])
    expect(problemsOf({ ALLOWED_ORIGINS: value })[0], value).toContain('wants exact origins')
})

test('a password is not repeated in an error', () => {
  expect(problemsOf({ DATABASE_URL: 'mysql://user:hunter2@host/x' })[0]).not.toContain('hunter2')
})

test('processes are a number, or as many as there are cores for this process', () => {
  expect(loadConfig({}).processes).toBe(1)
  expect(loadConfig({ PROCESSES: '4' }).processes).toBe(4)
  expect(loadConfig({ PROCESSES: 'auto' }).processes).toBe(availableParallelism())
  for (const value of ['0', '513', '-1', '2.5', 'Auto']) {
    expect(problemsOf({ PROCESSES: value })).toEqual([
      `PROCESSES is "${value}", wants a whole number from 1 to 512, or auto`,
    ])
  }
})

test('every setting has a name of its own and an explanation', () => {
  const all = Object.values(settings)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  for (const { doc } of all) expect(doc).toEndWith('.')
})

test('the README has every setting as it is', async () => {
  const readme = await Bun.file('README.md').text()
  for (const { name, doc, shown = '' } of Object.values(settings)) {
    expect(readme).toContain(`| \`${name}\` | ${shown} |`)
    expect(readme).toContain(` | ${doc} |`)
  }
})
