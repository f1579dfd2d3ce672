// What does it cost to serve a port with several processes?
//
//   bun server/verification/processes.bench.ts [--processes 2] [--streams 1000] [--rate 500] [--duration 5] [--rounds 3]
//
// It starts a server of one process and a group, alternately, with an embedded Postgres, opens streams on one channel, and publishes at a
// rate that both can serve. The CPU time of the server (user and system, of all its processes and the supervisor, from /proc) is divided
// by the events delivered; every stream's ledger is checked. Load and Postgres share the machine's cores: the throughput of N processes is
// not shown where there are not N free cores, but what each delivery costs is.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SECOND } from '../platform/time.ts'
import { type InstanceProcess, startProcess } from '../testing/instance.ts'
import { cpuOf } from './process-cpu.ts'
import { Verification } from './verification.ts'

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries({ processes: '2', streams: '1000', rate: '500', duration: '5', rounds: '3' }).map(
      ([name, value]) => [name, { type: 'string' as const, default: value }],
    ),
  ),
})
const [processes, streams, rate, duration, rounds] = ['processes', 'streams', 'rate', 'duration', 'rounds'].map(
  (name) => Number(values[name]),
) as [number, number, number, number, number]

interface Round {
  /** Microseconds of CPU time of the server for each delivered event. */
  cost: number
  /** CPU time of each serving process, as a share of a core. */
  shares: number[]
  delivered: number
  p50: number
  p99: number
}

const directory = await mkdtemp(join(tmpdir(), 'sse-update-bench-'))
await Bun.$`chmod 755 ${directory}`

/** Ids of the processes that serve: those of a group, or the one of a server without. */
async function servingPids({ pid }: InstanceProcess, count: number): Promise<number[]> {
  if (count === 1) return [pid]
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number)
  const commands = await Promise.all(children.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8')))
  return children.filter((_, index) => commands[index]?.includes('serve-process'))
}

/** @throws {Error} when the ledger is not clean */
async function run(count: number): Promise<Round> {
  await using server = await startProcess({ DATA_DIR: directory, PROCESSES: String(count) })
  const serving = await servingPids(server, count)
  const pids = [...new Set([server.pid, ...serving])]
  const verification = new Verification({ urls: [server.url], connections: streams, rate, channels: 1, size: 60 })
  await verification.start()
  // The first second compiles code.
  await Bun.sleep(SECOND)
  const [before, deliveredBefore] = [pids.map(cpuOf), verification.delivered]
  await Bun.sleep(duration * SECOND)
  const [after, deliveredAfter] = [pids.map(cpuOf), verification.delivered]
  const report = await verification.finish()
  if (!report.isClean) throw new Error(`the ledger is not clean: ${JSON.stringify(report)}`)
  const used = new Map(pids.map((pid, index) => [pid, (after[index] ?? 0) - (before[index] ?? 0)]))
  const total = [...used.values()].reduce((sum, each) => sum + each, 0)
  const delivered = deliveredAfter - deliveredBefore
  const shares = serving.map((pid) => (used.get(pid) ?? 0) / (duration * SECOND))
  return { cost: (1000 * total) / delivered, shares, delivered, p50: report.latency.p50, p99: report.latency.p99 }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number

const results = new Map<number, Round[]>([1, processes].map((count) => [count, []]))
try {
  for (let round = 1; round <= rounds; round++) {
    for (const [count, list] of results) {
      const result = await run(count)
      console.error(`round ${round} of ${rounds}, PROCESSES=${count}: ${JSON.stringify(result)}`)
      list.push(result)
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}

console.log(`${streams} streams on one channel, ${rate} events/s, medians of ${rounds} rounds of ${duration} s:`)
console.log('| processes | server CPU per delivered event | of one process | deliveries/s | latency p50 / p99 |')
console.log('| --: | --: | --: | --: | --: |')
const one = median((results.get(1) ?? []).map(({ cost }) => cost))
for (const [count, list] of results) {
  const of = (read: (round: Round) => number) => median(list.map(read))
  const cost = of((round) => round.cost)
  const perSecond = Math.round(of(({ delivered }) => delivered) / duration).toLocaleString('en')
  const latency = `${of(({ p50 }) => p50).toFixed(1)} / ${of(({ p99 }) => p99).toFixed(1)} ms`
  console.log(`| ${count} | ${cost.toFixed(2)} µs | ${(cost / one).toFixed(2)} × | ${perSecond} | ${latency} |`)
}
