// `serve --processes`: a supervisor and its processes, on one port.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { ClusterView } from './operations/cluster-schema.ts'
import { isAlive } from './platform/embedded-postgres/data-directory.ts'
import { createCertificates } from './testing/certificates.ts'
import { type CommandResult, runCommand } from './testing/command.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from './testing/database.ts'
import { type InstanceProcess, startProcess } from './testing/instance.ts'
import { openStream, publish, type StreamReader } from './testing/stream-reader.ts'
import { until } from './testing/until.ts'
import { Verification } from './verification/verification.ts'

const GROUP = { PROCESSES: '2', INSTANCE_NAME: 'node' }

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const startGroup = (settings: Record<string, string> = {}) =>
  startProcess({ DATABASE_URL: database.url, ...GROUP, ...settings })

/** Ids of the processes of a group; the embedded Postgres of a supervisor is left out. */
async function processesOf({ pid }: InstanceProcess): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number)
  const commands = await Promise.all(children.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8')))
  return children.filter((_, index) => commands[index]?.includes('serve-process'))
}

/** The name of the instance that a stream has reached. */
const instanceOf = ({ frames }: StreamReader): string => JSON.parse(String(frames[0]?.data)).instance

/** Streams of a channel, as many as it takes until every process has some. */
async function openOnBoth(url: string, channel: string): Promise<AsyncDisposableStack & { readers: StreamReader[] }> {
  const stack = Object.assign(new AsyncDisposableStack(), { readers: [] as StreamReader[] })
  await until('both processes have a stream', async () => {
    stack.readers.push(stack.use(await openStream(url, [channel])))
    return new Set(stack.readers.map(instanceOf)).size === 2
  })
  return stack
}

/** Values of a metric's series, by their labels. */
async function metric(url: string, name: string): Promise<Record<string, number>> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  const samples = lines
    .map((line) => new RegExp(`^sse_update_${name}(\\{\\S*\\})? (\\S+)$`).exec(line))
    .filter((it) => it !== null)
  return Object.fromEntries(samples.map(([, labels, value]) => [labels ?? '', Number(value)]))
}

describe('a group of two processes', () => {
  let group: InstanceProcess
  beforeAll(async () => {
    group = await startGroup()
  })
  afterAll(() => group[Symbol.asyncDispose]())

  test('says once where it serves', () => {
    expect(group.output.match(/sse-update serves/g)).toHaveLength(1)
    expect(group.output).toContain(`"processes":2,"msg":"sse-update serves ${group.url}"`)
  })

  test('delivers an event that any process was given to the streams of both, under the names of two instances', async () => {
    await using streams = await openOnBoth(group.url, 'both')
    const { readers } = streams
    expect([...new Set(readers.map(instanceOf))].sort()).toEqual(['node.1', 'node.2'])
    // Each request has a connection of its own, so that the kernel spreads them.
    const publishers = Array.from({ length: 32 }, (_, n) =>
      publish(group.url, [{ channel: 'both', type: 't', data: n }], { connection: 'close' }),
    )
    await Promise.all(publishers)
    await Promise.all(readers.map((reader) => reader.untilEvents(32)))
    const [first, ...others] = readers.map(({ events }) => events.map(({ position, data }) => [position, data]))
    expect(first?.map(([, data]) => data).sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 32 }, (_, n) => n),
    )
    for (const other of others) expect(other).toEqual(first as never)
    const published = await metric(group.url, 'published_events_total')
    expect(Object.values(published).every((count) => count > 0)).toBe(true)
  })

  test('reports the metrics of both, whichever is scraped', async () => {
    await using streams = await openOnBoth(group.url, 'scraped')
    const { readers } = streams
    const on = (name: string) => readers.filter((reader) => instanceOf(reader) === name).length
    const expected = { '{process="1"}': on('node.1'), '{process="2"}': on('node.2') }
    await until(
      'earlier streams are closed',
      () => metric(group.url, 'connections'),
      (found) => Bun.deepEquals(found, expected),
    )
    const scrapes = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const response = await fetch(`${group.url}/metrics`, { headers: { connection: 'close' } })
        return (await response.text())
          .split('\n')
          .filter((line) => /^sse_update_(connections|processes|process_restarts_total)[ {]/.test(line))
          .sort()
      }),
    )
    for (const scrape of scrapes) {
      expect(scrape).toEqual([
        `sse_update_connections{process="1"} ${expected['{process="1"}']}`,
        `sse_update_connections{process="2"} ${expected['{process="2"}']}`,
        'sse_update_process_restarts_total 0',
        'sse_update_processes 2',
      ])
    }
  })

  test('is two instances in the cluster view, at one URL', async () => {
    const view = await until(
      'both have written their heartbeat',
      async () => (await (await fetch(`${group.url}/api/cluster`)).json()) as ClusterView,
      ({ instances }) => instances.length === 2,
    )
    const seen = view.instances.map(({ name, url }) => [name, url]).sort()
    expect(seen).toEqual([
      ['node.1', group.url],
      ['node.2', group.url],
    ])
  })

  test('keeps its port from a second server, and from a second group', async () => {
    const settings = { DATABASE_URL: database.url, PORT: new URL(group.url).port }
    for (const args of [['serve'], ['serve', '--processes', '2']]) {
      expect(await runCommand(args, settings)).toEqual({
        out: '',
        error: `sse-update: Port ${settings.PORT} on 127.0.0.1 is in use by another process. Choose another port with PORT.\n`,
        code: 1,
      })
    }
  })
})

test('a group finds its port taken by a server of one process', async () => {
  await using server = await startProcess({ DATABASE_URL: database.url })
  const settings = { DATABASE_URL: database.url, PORT: new URL(server.url).port }
  const { error, code } = await runCommand(['serve', '--processes=2'], settings)
  expect([error, code]).toEqual([expect.stringContaining('is in use by another process'), 1])
})

test('a process that is killed under load is replaced: its streams resume, and no event is missing', async () => {
  await using group = await startGroup()
  const [killed = 0, kept = 0] = await processesOf(group)
  const verification = new Verification({ urls: [group.url], connections: 40, rate: 200 })
  await verification.start()
  await verification.untilDelivered(4000)
  process.kill(killed, 'SIGKILL')
  await until('another takes its place', () => group.output.includes('"msg":"serving again"'))
  await verification.untilDelivered(12_000)
  const report = await verification.finish()
  expect(report).toMatchObject({ isClean: true, missing: 0, duplicated: 0, gaps: 0 })
  expect(report.reconnects).toBeGreaterThan(0)
  const pids = await processesOf(group)
  expect([pids.length, pids.includes(kept), pids.includes(killed)]).toEqual([2, true, false])
  expect(await metric(group.url, 'process_restarts_total')).toEqual({ '': 1 })
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s closes the streams of both processes with a reason, and ends all with 0',
  async (signal) => {
    await using group = await startGroup({ DRAIN_MS: '300' })
    const pids = await processesOf(group)
    await using streams = await openOnBoth(group.url, 'c')
    expect(await group.end(signal)).toBe(0)
    for (const { frames } of streams.readers) {
      expect(frames.at(-1)).toMatchObject({ event: 'closing', data: expect.stringContaining('"drain"') })
    }
    expect(pids.map(isAlive)).toEqual([false, false])
  },
)

test('signals that reach every process, as those of a terminal and of systemd do, stop the group like one', async () => {
  await using group = await startGroup({ DRAIN_MS: '300' })
  await using streams = await openOnBoth(group.url, 'c')
  for (const pid of await processesOf(group)) process.kill(pid, 'SIGTERM')
  expect(await group.end('SIGTERM')).toBe(0)
  for (const { frames } of streams.readers) expect(frames.at(-1)).toMatchObject({ event: 'closing' })
})

test('a second signal ends all processes at once, also one that hangs', async () => {
  await using group = await startGroup()
  const pids = await processesOf(group)
  process.kill(pids[0] as number, 'SIGSTOP')
  process.kill(group.pid, 'SIGTERM')
  await until('the group is stopping', () => group.output.includes('"msg":"stopping"'))
  expect(await group.end('SIGINT')).toBe(1)
  await until('no process is alive', () => !pids.some(isAlive))
})

test('the processes of a supervisor that is killed stop', async () => {
  await using group = await startGroup()
  const pids = await processesOf(group)
  await group.end('SIGKILL')
  await until('no process is alive', () => !pids.some(isAlive))
  await using next = await startGroup({ PORT: new URL(group.url).port })
  expect((await fetch(`${next.url}/healthz`)).status).toBe(200)
})

test('a renewed certificate is used by both processes, and their streams go on', async () => {
  await using certificates = await createCertificates()
  await using group = await startGroup(certificates.settings)
  const url = group.url.replace('http:', 'https:')
  /** Common name of the certificate that a new connection gets; empty when it is refused, as one at the moment of the change may be. */
  const nameOf = async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      servername: 'localhost',
      ca: certificates.ca,
    })
    const isOpen = await new Promise((resolve) =>
      socket.once('secureConnect', () => resolve(true)).once('error', () => resolve(false)),
    )
    const name = isOpen ? String(socket.getPeerCertificate().subject.CN) : ''
    socket.destroy()
    return name
  }
  const names = async () => new Set(await Promise.all(Array.from({ length: 20 }, nameOf)))
  const stream = await fetch(`${url}/events?channel=c`, {
    headers: { accept: 'text/event-stream' },
    tls: { ca: certificates.ca },
  })
  expect([...(await names())]).toEqual(['first'])
  await certificates.renew('second')
  await until('both use it', names, (found) => found.size === 1 && found.has('second'))
  await database.sql`select sse.publish('c', 't', '"after the renewal"')`
  let text = ''
  for await (const part of (stream.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(
    new TextDecoderStream(),
  )) {
    text += part
    if (text.includes('after the renewal')) break
  }
  expect(text).toContain('after the renewal')
})

test('an empty database is migrated once', async () => {
  await using empty = await createEmptyDatabase()
  await using group = await startGroup({ DATABASE_URL: empty.url, PROCESSES: '3' })
  expect(group.output.match(/"msg":"migrated"/g)).toHaveLength(1)
})

test('the embedded Postgres is that of the supervisor, and ends with it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-group-'))
  await Bun.$`chmod 755 ${directory}`
  const group = await startProcess({ ...GROUP, DATA_DIR: directory })
  const postgres = Number((await readFile(join(directory, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
  const status = await readFile(`/proc/${postgres}/status`, 'utf8')
  expect(status).toContain(`PPid:\t${group.pid}\n`)
  expect(await publish(group.url, [{ channel: 'c', type: 't', data: 1 }])).toEqual([1])
  expect(await group.end('SIGTERM')).toBe(0)
  expect(isAlive(postgres)).toBe(false)
  expect(await readdir(join(directory, 'postgres'))).not.toContain('postmaster.pid')
  await rm(directory, { recursive: true })
})

describe('a group that can not start says why once', () => {
  const lines = ({ error }: CommandResult) => error.trimEnd().split('\n')

  test('with a login that Postgres refuses', async () => {
    const url = new URL(database.url)
    url.pathname = '/no_such_database'
    const result = await runCommand(['serve', '--processes', '3'], { DATABASE_URL: url.href, PORT: '0' })
    expect([lines(result), result.code]).toEqual([['sse-update: database "no_such_database" does not exist'], 1])
  })

  test('with files of a certificate that are missing', async () => {
    const settings = { DATABASE_URL: database.url, PORT: '0', TLS_CERT_FILE: '/nowhere', TLS_KEY_FILE: '/nowhere' }
    const result = await runCommand(['serve', '--processes', '3'], settings)
    expect([lines(result).length, result.code]).toEqual([1, 2])
  })

  test.each([
    ['0', 'PROCESSES is "0", wants a whole number from 1 to 512, or auto'],
    ['two', 'PROCESSES is "two", wants a whole number from 1 to 512, or auto'],
  ])('with --processes %s', async (value, problem) => {
    const result = await runCommand(['serve', '--processes', value], { DATABASE_URL: database.url, PORT: '0' })
    expect([lines(result), result.code]).toEqual([[`sse-update: ${problem}`], 2])
  })

  test('with HTTP/3', async () => {
    const settings = { DATABASE_URL: database.url, PORT: '0', HTTP3: 'on' }
    const result = await runCommand(['serve', '--processes', '2'], settings)
    expect([lines(result), result.code]).toEqual([[expect.stringContaining('needs PROCESSES=1')], 2])
  })
})

test('serve-process does not start without a supervisor', async () => {
  const { error, code } = await runCommand(['serve-process'])
  expect([error, code]).toEqual([expect.stringContaining('serve --processes'), 2])
})
