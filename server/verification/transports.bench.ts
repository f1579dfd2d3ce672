// What do Server-Sent Events, WebSockets and long-polling cost, side by side?
//
//   bun run bench:transports [--streams 1000] [--rate 500] [--calm 50] [--duration 10] [--rounds 3] [--idle 10000]
//
// It starts a server of its own, with an embedded Postgres. Rounds alternate between the transports, and each figure is the median
// of its rounds. `--rate` (events per second on one channel) is meant to be more than the slowest can deliver, `--calm` less. Memory is
// what the resident memory of a fresh server grows by, divided by the number of idle connections; a poller's is a request that waits.
// More idle connections than `ulimit -n` allows do not open.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SECOND } from '../platform/time.ts'
import { TRANSPORTS, type Transport } from '../protocol/transport.ts'
import { startProcess } from '../testing/instance.ts'
import { until } from '../testing/until.ts'
import type { Connection } from './connection.ts'
import { openConnection } from './open-connection.ts'
import { type Report, Verification } from './verification.ts'

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries({ streams: '1000', rate: '500', calm: '50', duration: '10', rounds: '3', idle: '10000' }).map(
      ([name, value]) => [name, { type: 'string' as const, default: value }],
    ),
  ),
})
const option = (name: string) => Number(values[name])
const [streams, rate, calm, duration, rounds, idle] = ['streams', 'rate', 'calm', 'duration', 'rounds', 'idle'].map(
  option,
) as [number, number, number, number, number, number]

const NAMES: Record<Transport, string> = { sse: 'Server-Sent Events', websocket: 'WebSocket', poll: 'long-polling' }
/** Seconds that an idle request waits: longer than its measurement takes. */
const LONGEST_WAIT = 60
/** Connections that are opened at once, so that the server's queue of new connections does not overflow. */
const BATCH = 250
/** Milliseconds until the memory of what was needed only to open the connections is given back. */
const SETTLING = 10 * SECOND

const directory = await mkdtemp(join(tmpdir(), 'sse-update-bench-'))
await Bun.$`chmod 755 ${directory}`
const start = () => startProcess({ DATA_DIR: directory })

/** Publishes and reads for a while. @throws {Error} when the ledger is not clean */
async function run(url: string, transport: Transport, eventRate: number): Promise<Report> {
  const verification = new Verification({
    urls: [url],
    connections: streams,
    transports: [transport],
    rate: eventRate,
    channels: 1,
    size: 60,
    timeout: 120 * SECOND,
  })
  await verification.start()
  await Bun.sleep(duration * SECOND)
  const report = await verification.finish()
  if (!report.isClean) throw new Error(`the ledger of ${transport} is not clean: ${JSON.stringify(report)}`)
  return report
}

/** Bytes of resident memory for each of many idle connections to a fresh server. */
async function memoryOfIdle(transport: Transport): Promise<number> {
  await using server = await start()
  const read = async (name: string) =>
    Number(new RegExp(`^sse_update_${name} (.*)$`, 'm').exec(await (await fetch(`${server.url}/metrics`)).text())?.[1])
  await Promise.all((await open(server.url, transport, BATCH)).map(async (connection) => connection.close()))
  await until('the first connections are closed', async () => (await read('connections')) === 0)
  await Bun.sleep(SETTLING)
  const before = await read('resident_memory_bytes')
  const connections = await open(server.url, transport, idle)
  await until('all are connected', async () => (await read('connections')) === idle)
  await Bun.sleep(SETTLING)
  const after = await read('resident_memory_bytes')
  for (const connection of connections) connection.close()
  return (after - before) / idle
}

/** Opens connections on a channel without events. @throws {Error} when one does not open */
async function open(url: string, transport: Transport, count: number): Promise<Connection[]> {
  const connections: Connection[] = []
  while (connections.length < count) {
    const opened = Array.from({ length: Math.min(BATCH, count - connections.length) }, () => openIdle(url, transport))
    connections.push(...opened.map(({ connection }) => connection))
    await Promise.all(opened.map(({ ready }) => ready))
  }
  return connections
}

function openIdle(url: string, transport: Transport) {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const connection = openConnection(transport, {
    url: `${url}/events?channel=idle`,
    wait: LONGEST_WAIT,
    onFrame: ({ event }) => event === 'ready' && resolve(),
    onClose: (problem) => reject(new Error(problem)),
  })
  return { connection, ready }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number
const per = <T>(make: () => T) => Object.fromEntries(TRANSPORTS.map((name) => [name, make()])) as Record<Transport, T>

const reports = per(() => ({ busy: [] as Report[], calm: [] as Report[] }))
const memory = per(() => 0)
try {
  {
    await using server = await start()
    for (let round = 0; round < rounds; round++) {
      for (const transport of TRANSPORTS) {
        console.error(`round ${round + 1} of ${rounds}: ${NAMES[transport]}`)
        reports[transport].calm.push(await run(server.url, transport, calm))
        reports[transport].busy.push(await run(server.url, transport, rate))
      }
    }
  }
  for (const transport of TRANSPORTS) {
    console.error(`${idle} idle connections: ${NAMES[transport]}`)
    memory[transport] = await memoryOfIdle(transport)
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}

const events = (count: number) => `${count.toLocaleString('en')} events/s`
console.log(
  `| ${streams.toLocaleString('en')} clients on one channel | deliveries/s at ${events(rate)} | latency p50 / p99 at ${events(calm)} | bytes per delivery | memory per idle connection |`,
)
console.log('| --- | --: | --: | --: | --: |')
for (const transport of TRANSPORTS) {
  const { busy, calm: quiet } = reports[transport]
  const of = (list: readonly Report[], read: (report: Report) => number) => median(list.map(read))
  const cells = [
    NAMES[transport],
    Math.round(of(busy, ({ delivered, elapsed }) => delivered / (elapsed / SECOND))).toLocaleString('en'),
    `${of(quiet, ({ latency }) => latency.p50).toFixed(1)} / ${of(quiet, ({ latency }) => latency.p99).toFixed(1)} ms`,
    Math.round(of(quiet, ({ traffic, delivered }) => traffic / delivered)),
    `${(memory[transport] / 1024).toFixed(1)} KB`,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
process.exit(0)
