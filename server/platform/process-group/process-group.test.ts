import { afterEach, expect, test } from 'bun:test'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../testing/until.ts'
import { isAlive } from '../embedded-postgres/data-directory.ts'
import { GroupStartError, ProcessGroup } from './process-group.ts'

type Logged = Record<string, unknown> & { message: string }

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A group of processes that behave as `mode` says; see `testing/group-member.ts`. */
async function createGroup(
  mode: string,
  options: { count?: number; stopTimeout?: number; restartDelay?: number } = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-group-'))
  const file = join(directory, 'starts')
  const logged: Logged[] = []
  const log = (entry: object, message: string) => void logged.push({ ...entry, message })
  const group = new ProcessGroup({
    count: 2,
    command: [process.execPath, 'server/testing/group-member.ts', mode, file],
    assign: (number) => ({ number, port: 1, instanceName: `test.${number}` }),
    stopTimeout: 10_000,
    logger: { info: log, warn: log, error: log } as never,
    ...options,
  })
  cleanups.push(
    () => rm(directory, { recursive: true }),
    () => group.stop(),
  )
  /** Ids of all processes that were started, in order. */
  const pids = async () => (await readFile(file, 'utf8')).trimEnd().split('\n').map(Number)
  return { group, logged, pids }
}

test('all processes serve when the group has started, and none is alive when it has stopped', async () => {
  const { group, pids } = await createGroup('serves', { count: 3 })
  expect(await group.start()).toBe('test:1')
  const started = await pids()
  expect(started.map(isAlive)).toEqual([true, true, true])
  await group.stop()
  expect(started.map(isAlive)).toEqual([false, false, false])
})

test('what keeps processes from starting is met by the first alone, and ends the start', async () => {
  const { group, pids } = await createGroup('never-starts')
  const error = await group.start().catch((reason) => reason)
  expect(error).toBeInstanceOf(GroupStartError)
  expect(error).toMatchObject({ number: 1, exit: { code: 3, signal: null } })
  expect(await pids()).toHaveLength(1)
})

test('a start that is aborted ends with the reason, and leaves no process', async () => {
  const { group, pids } = await createGroup('never-serves')
  const abort = new AbortController()
  const started = group.start(abort.signal).catch((reason) => reason)
  await until('the first process runs', () => pids().catch(() => undefined))
  abort.abort('enough')
  expect(await started).toBe('enough')
  expect((await pids()).some(isAlive)).toBe(false)
})

test('a process that has ended is started again under its number', async () => {
  const { group, logged, pids } = await createGroup('ends-once', { count: 1, restartDelay: 1 })
  await group.start()
  await until('it serves again', () => logged.some(({ message }) => message === 'serving again'))
  expect(logged).toEqual([
    { process: 1, code: 5, signal: null, delay: 1, message: 'a process has ended; another takes its place' },
    { process: 1, pid: (await pids())[1], message: 'serving again' },
  ])
})

test('a process that ends again and again is started after twice the time', async () => {
  const { group, logged } = await createGroup('ends', { count: 1, restartDelay: 1 })
  await group.start()
  const delays = () => logged.flatMap(({ delay }) => (delay === undefined ? [] : [delay]))
  await until('it has ended five times', () => delays().length >= 5)
  expect(delays().slice(0, 5)).toEqual([1, 2, 4, 8, 16])
})

test('the group fails when no process serves and the one that is started again ends at its start', async () => {
  const { group } = await createGroup('starts-once', { count: 1, restartDelay: 1 })
  await group.start()
  expect(await group.failed.catch((error) => error)).toMatchObject({ number: 1, exit: { code: 4 } })
})

test('processes that do not stop in time are killed', async () => {
  const { group, logged, pids } = await createGroup('ignores-stop', { stopTimeout: 100 })
  await group.start()
  await group.stop()
  expect((await pids()).some(isAlive)).toBe(false)
  expect(logged.map(({ message }) => message)).toEqual(['processes did not stop in time; killing them'])
})
