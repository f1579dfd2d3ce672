import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { openStream, publish } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'
import { isAlive, prepareDataDirectory } from './data-directory.ts'

// Each test continues with the data of the one before, as a developer's machine does.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-update-embedded-'))
  await Bun.$`chmod 755 ${directory}`
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const start = () => startProcess({ DATA_DIR: directory, POLL_INTERVAL_MS: '100' })
const postgresPid = async () =>
  Number((await readFile(join(directory, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])

const gone = (pid: number) => until(`process ${pid} has ended`, () => !isAlive(pid))

/** Publishes, again while Postgres is unavailable, and returns the position. */
async function publishEventually(instance: InstanceProcess, type: string): Promise<number> {
  const tryOnce = () => publish(instance.url, [{ channel: 'c', type }], { 'idempotency-key': type }).catch(() => [])
  const [position] = await until('the event is published', tryOnce, ({ length }) => length > 0)
  return position as number
}

test('two instances that start at once on an empty folder share one Postgres', async () => {
  await using a = await start()
  await using b = await start()
  await using reader = await openStream(b.url, ['c'])
  expect(await publish(a.url, [{ channel: 'c', type: 'first' }])).toEqual([1])
  await reader.untilEvents(1)
})

test('it stops with the server that started it, leaves no folder of sockets, and has its data the next time', async () => {
  const instance = await start()
  const pid = await postgresPid()
  expect(await publish(instance.url, [{ channel: 'c', type: 'second' }])).toEqual([2])
  expect(await instance.end('SIGTERM')).toBe(0)
  expect(isAlive(pid)).toBe(false)
  const { sockets } = await prepareDataDirectory(directory, undefined)
  expect(existsSync(sockets)).toBe(false)
})

test('when the instance that started it stops, another starts it again', async () => {
  const first = await start()
  await using second = await start()
  await using reader = await openStream(second.url, ['c'])
  expect(await first.end('SIGTERM')).toBe(0)
  await publishEventually(second, 'third')
  await reader.untilEvents(1)
  expect(reader.events.map(({ type }) => type)).toEqual(['third'])
})

test('after kill -9 of the server, the next one has everything that was published', async () => {
  const instance = await start()
  const position = await publishEventually(instance, 'fourth')
  const pid = await postgresPid()
  await instance.end('SIGKILL')
  await gone(pid)
  await using next = await start()
  await using reader = await openStream(next.url, ['c'], { 'last-event-id': String(position - 1) })
  await reader.untilEvents(1)
  expect(reader.events.map(({ type }) => type)).toEqual(['fourth'])
})

test('after kill -9 of Postgres it is started again, and streams continue', async () => {
  await using instance = await start()
  await using reader = await openStream(instance.url, ['c'])
  process.kill(await postgresPid(), 'SIGKILL')
  await publishEventually(instance, 'fifth')
  await reader.untilEvents(1)
  expect(reader.events.map(({ type }) => type)).toEqual(['fifth'])
})

test('after kill -9 of Postgres while it starts, it is started again at once', async () => {
  await using instance = await start()
  const pid = await postgresPid()
  process.kill(pid, 'SIGKILL')
  for (;;) {
    const next = await postgresPid().catch(() => 0)
    if (next === 0 || next === pid) continue
    process.kill(next, 'SIGKILL')
    break
  }
  await publishEventually(instance, 'sixth')
})
