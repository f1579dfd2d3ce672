import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmptyDatabase, type TestDatabase } from './testing/database.ts'
import { type InstanceProcess, startProcess } from './testing/instance.ts'
import { openStream, publish } from './testing/stream-reader.ts'

// The one file that operators ship, in a folder with nothing else in it.
let directory: string
let binary: string
let database: TestDatabase
let instance: InstanceProcess
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-update-binary-'))
  binary = join(directory, 'sse-update')
  await Bun.$`${process.execPath} run build:binary --outfile ${binary}`.quiet()
  database = await createEmptyDatabase()
  instance = await startProcess({ DATABASE_URL: database.url }, { command: [binary], cwd: directory })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

test('the binary migrates an empty database and is ready', async () => {
  const { status } = (await (await fetch(`${instance.url}/readyz`)).json()) as { status: string }
  expect(['ok', 'degraded']).toContain(status)
})

test('the binary accepts a request line longer than the 16 KiB of its runtime', async () => {
  expect((await fetch(`${instance.url}/healthz?${'x'.repeat(32_000)}`)).status).toBe(200)
})

test('the binary serves the dashboard: the page is revalidated, its assets are immutable', async () => {
  const page = await fetch(instance.url)
  expect(page.headers.get('cache-control')).toBe('no-cache')
  const scripts = [...(await page.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) =>
    String(match[1]),
  )
  expect(scripts.length).toBeGreaterThanOrEqual(2)
  for (const script of scripts) {
    const asset = await fetch(`${instance.url}${script}`)
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'immutable, max-age=31536000'])
    expect(asset.headers.get('content-type')).toMatch(/javascript|css/)
  }
})

test('the binary delivers events to streams', async () => {
  await using reader = await openStream(instance.url, ['c'])
  expect(await publish(instance.url, [{ channel: 'c', type: 't', data: { total: 12 } }])).toEqual([1])
  await database.sql`select sse.publish('c', 'sql', '1')`
  await reader.untilEvents(2)
  expect(reader.events.map(({ type }) => type)).toEqual(['t', 'sql'])
})

test('the binary runs tasks and draws the charts of a report', async () => {
  await using reader = await openStream(instance.url, ['tasks.>'])
  const headers = { 'content-type': 'application/json' }
  const order = { customer: 'alice', currency: 'EUR', lines: [{ sku: 'A1', name: 'Tea', quantity: 1, unitPrice: 100 }] }
  await fetch(`${instance.url}/api/orders`, { method: 'POST', headers, body: JSON.stringify(order) })
  await fetch(`${instance.url}/api/tasks`, { method: 'POST', headers, body: '{"kind":"report"}' })
  await reader.until(({ frames }) => frames.some(({ event }) => event === 'task.succeeded'))
  expect(await (await fetch(`${instance.url}/api/tasks/1/files/report.html`)).text()).toContain('<svg')
})

test('the binary serves the documents of its API', async () => {
  for (const path of ['/openapi.json', '/asyncapi.json'])
    expect((await fetch(`${instance.url}${path}`)).status).toBe(200)
})

test('the binary prints its version and its help', async () => {
  expect(await Bun.$`${binary} --help`.text()).toContain('DATABASE_URL')
})

test('the binary serves a port with two processes', async () => {
  await using group = await startProcess(
    { DATABASE_URL: database.url, PROCESSES: '2' },
    { command: [binary], cwd: directory },
  )
  expect(await (await fetch(`${group.url}/metrics`)).text()).toContain('sse_update_processes 2\n')
  expect(await group.end('SIGTERM')).toBe(0)
})

test('the binary stops with exit code 0 and leaves no file in its working directory', async () => {
  expect(await instance.end('SIGTERM')).toBe(0)
  expect(await readdir(directory)).toEqual(['sse-update'])
})
