// How long does an event take from its publisher to every stream, and what does a delivery cost the server?
//
//   bun server/verification/fan-out.bench.ts [--layout shared|own|zipf] [--streams 1000] [--channels 1] [--rate 100]
//     [--publishers 16] [--batch 1] [--duration 10] [--rounds 3] [--checkouts .,../other]
//
// It starts a server from each checkout (with an embedded Postgres, on the first core) and readers (on the second). Rounds alternate between
// the checkouts, and each figure is the median of its rounds. With `--rate` one publisher sends at fixed times, and latency counts from
// the time that a request was due; with `--rate 0` the publishers send as fast as they get responses. `--batch` is the number of events of a
// request. Layouts: all streams on one channel, each on one of its own, or each on `--channels` of 1,000, chosen by Zipf's law.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { createRandom } from '../platform/random.ts'
import { SECOND } from '../platform/time.ts'
import { startProcess } from '../testing/instance.ts'
import type { ReaderReport } from './fan-out-reader.ts'
import { cpuOf } from './process-cpu.ts'

const defaults = { layout: 'shared', streams: '1000', channels: '1', rate: '100', publishers: '16', batch: '1' }
const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries({ ...defaults, duration: '10', rounds: '3', checkouts: '.' }).map(([name, value]) => [
      name,
      { type: 'string' as const, default: value },
    ]),
  ),
})
const text = (name: string) => String(values[name])
const number = (name: string) => Number(values[name])
const [streams, each, rate, publishers, batch, duration, rounds] = [
  'streams',
  'channels',
  'rate',
  'publishers',
  'batch',
  'duration',
  'rounds',
].map(number) as [number, number, number, number, number, number, number]
const layout = text('layout')

/** Channels of the layout `zipf`. */
const ZIPF_CHANNELS = 1000
/** Milliseconds without a delivery after which what is missing counts as lost. */
const PATIENCE = 10 * SECOND
/** Milliseconds between two looks at what has arrived. */
const INTERVAL = SECOND / 10
/** Padding, so that an event has about 100 bytes of data. */
const PADDING = 'x'.repeat(64)

const choose = createRandom(1)

const now = () => performance.timeOrigin + performance.now()

/** Cumulative weights 1, 1/2, 1/3, … */
const weights = Array.from({ length: ZIPF_CHANNELS }, (_, i) => 1 / (i + 1))
let sum = 0
const cumulative = weights.map((weight) => {
  sum += weight
  return sum
})

/** The number of a channel of the layout. */
function channelOf(): number {
  if (layout === 'shared') return 0
  if (layout === 'own') return Math.floor(choose() * streams)
  const at = choose() * sum
  return cumulative.findIndex((weight) => weight >= at)
}

/** The channels of each stream. */
const followed = Array.from({ length: streams }, (_, stream) => {
  if (layout === 'shared') return [0]
  if (layout === 'own') return [stream]
  const channels = new Set<number>()
  while (channels.size < each) channels.add(channelOf())
  return [...channels]
})
const followers = new Map<number, number>()
for (const channels of followed)
  for (const channel of channels) followers.set(channel, (followers.get(channel) ?? 0) + 1)

/** A server and its readers. */
async function start(checkout: string) {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-bench-'))
  await Bun.$`chmod 755 ${directory}`
  const server = await startProcess(
    { DATA_DIR: directory, LOG_LEVEL: 'info', MAX_STREAMS_PER_ADDRESS: '0', PUBLISH_RATE: '0' },
    { command: ['taskset', '-c', '0', process.execPath, 'server/main.ts'], cwd: resolve(checkout) },
  )
  const command = ['taskset', '-c', '1', process.execPath, join(import.meta.dir, 'fan-out-reader.ts')]
  const readers = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  const lines = createInterface({ input: Readable.fromWeb(readers.stdout as never) })[Symbol.asyncIterator]()
  const ask = async (line: string) => {
    readers.stdin.write(`${line}\n`)
    await readers.stdin.flush()
    return (await lines.next()).value as string
  }
  await ask(
    JSON.stringify(
      followed.map((channels) => `${server.url}/events?${channels.map((c) => `channel=c.${c}`).join('&')}`),
    ),
  )
  const stop = async () => {
    readers.kill()
    await server.end('SIGTERM')
    await rm(directory, { recursive: true, force: true })
  }
  const report = async (): Promise<ReaderReport> => JSON.parse(await ask('report'))
  return { checkout, server, report, reset: () => ask('reset'), stop }
}

type Running = Awaited<ReturnType<typeof start>>

let expected = 0
let published = 0

/** One request. @param due when it was to be sent @throws {Error} when it is refused */
async function publish(url: string, due: number): Promise<void> {
  const events = Array.from({ length: batch }, () => {
    const channel = channelOf()
    expected += followers.get(channel) ?? 0
    return { channel: `c.${channel}`, data: { sent: due, padding: PADDING } }
  })
  published += batch
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(batch === 1 ? events[0] : events),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

/** Sends at fixed times, whether or not earlier requests were answered. */
async function publishAtRate(url: string, seconds: number): Promise<void> {
  const begin = now()
  const requests: Promise<void>[] = []
  for (let i = 0; i < rate * seconds; i++) {
    const due = begin + (i * SECOND) / rate
    const wait = due - now()
    if (wait > 0) await Bun.sleep(wait)
    requests.push(publish(url, due))
  }
  await Promise.all(requests)
}

async function publishInLoop(url: string, seconds: number): Promise<void> {
  const end = now() + seconds * SECOND
  await Promise.all(
    Array.from({ length: publishers }, async () => {
      while (now() < end) await publish(url, now())
    }),
  )
}

const work = (url: string, seconds: number) => (rate > 0 ? publishAtRate(url, seconds) : publishInLoop(url, seconds))

/** The report when all has arrived, or nothing more does. */
async function arrived(report: () => Promise<ReaderReport>): Promise<ReaderReport> {
  let received = await report()
  for (let quiet = 0; received.events < expected && quiet < PATIENCE; quiet += INTERVAL) {
    await Bun.sleep(INTERVAL)
    const before = received.events
    received = await report()
    if (received.events > before) quiet = 0
  }
  return received
}

/** Figures of one round. */
async function round({ server, report, reset }: Running) {
  await reset()
  expected = published = 0
  const before = cpuOf(server.pid)
  const began = now()
  await work(server.url, duration)
  const { events, latency, slowestTenth, closed } = await arrived(report)
  const elapsed = now() - began
  const used = cpuOf(server.pid) - before
  if (events !== expected || closed > 0) {
    throw new Error(`${events} of ${expected} deliveries arrived, ${closed} streams were closed`)
  }
  return {
    'published/s': (published / elapsed) * SECOND,
    'delivered/s': (events / elapsed) * SECOND,
    'p50 ms': latency.p50,
    'p99 ms': latency.p99,
    'tail ms': slowestTenth,
    'CPU µs/delivery': (used / events) * 1000,
    'CPU s': used / SECOND,
  }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number

const running = await Promise.all(text('checkouts').split(',').map(start))
try {
  const rows = running.map(() => [] as Awaited<ReturnType<typeof round>>[])
  for (const { server, report } of running) {
    expected = 0
    await work(server.url, 2)
    await arrived(report)
  }
  for (let i = 0; i < rounds; i++) for (const [at, each] of running.entries()) rows[at]?.push(await round(each))
  const names = Object.keys(rows[0]?.[0] ?? {}) as (keyof Awaited<ReturnType<typeof round>>)[]
  console.log(`| ${['', ...names].join(' | ')} |`)
  for (const [at, own] of rows.entries()) {
    const cells = names.map((name) => median(own.map((row) => row[name])).toFixed(2))
    console.log(`| ${[running[at]?.checkout, ...cells].join(' | ')} |`)
  }
} finally {
  await Promise.all(running.map(({ stop }) => stop()))
}
process.exit(0)
