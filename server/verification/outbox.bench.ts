// What does sse.publish cost the transactions of an application, while a server moves the events into its log?
//
//   bun run bench:outbox [--writers 16] [--seconds 2] [--rounds 5]
//
// It starts a durable Postgres and a server of its own. Rounds alternate between the workloads, and each figure is the median of its
// rounds; the first is warming up. A round ends when the outbox is empty. At the end every event that was committed must be in the log
// once and in its writer's order, and the positions must be dense. Needs Linux, for processor times.

import { parseArgs } from 'node:util'
import { SECOND } from '../platform/time.ts'
import { startProcess } from '../testing/instance.ts'
import { startOwnPostgres } from '../testing/own-postgres.ts'
import { until } from '../testing/until.ts'
import { CLEAR, SCHEMA, WORKLOADS, type Workload } from './outbox-workloads.ts'
import { OutboxWriter, runWriters } from './outbox-writers.ts'
import { cpuOf, cpuOfDescendants } from './process-cpu.ts'

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries({ writers: '16', seconds: '2', rounds: '5' }).map(([name, value]) => [
      name,
      { type: 'string' as const, default: value },
    ]),
  ),
})
const [writerCount, seconds, rounds] = ['writers', 'seconds', 'rounds'].map((name) => Number(values[name])) as [
  number,
  number,
  number,
]

/** What one round of a workload has measured; processor time is in microseconds per transaction. */
interface Round {
  rate: number
  /** Rate, relative to that of the first workload in the same round. */
  ratio: number
  postgres: number
  server: number
  generator: number
  /** The share of one core that the generator has used. */
  load: number
  /** Events that were still in the outbox when the writers had stopped, and milliseconds until they were moved. */
  left: number
  drain: number
}

/** More than this share of a core, and the writers themselves may be what limits the rate. */
const BUSY = 0.9

await using postgres = await startOwnPostgres()
const { sql } = postgres
await using server = await startProcess({ DATABASE_URL: postgres.url })
await sql.unsafe(SCHEMA)
const [place] = await sql<{ directory: string; port: string; database: string }[]>`
  select current_setting('unix_socket_directories') as directory, current_setting('port') as port, current_database() as database`
if (!place) throw new Error('no settings')
const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
const postmaster = await parentOf(backend?.pid ?? 0)
const socket = { path: `${place.directory}/.s.PGSQL.${place.port}`, user: 'postgres', database: place.database }
const writers = await Promise.all(
  Array.from({ length: writerCount }, (_, index) => OutboxWriter.connect(socket, index, WORKLOADS)),
)

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1])
}

const generatorCpu = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
/** Microseconds in a millisecond. */
const MICROSECONDS = 1000
const usage = () =>
  [MICROSECONDS * cpuOfDescendants(postmaster), MICROSECONDS * cpuOf(server.pid), generatorCpu()] as const
const waiting = async () =>
  (await sql<{ count: number }[]>`select count(*)::int as count from sse.outbox`)[0]?.count ?? 0

async function measure(workload: Workload): Promise<Omit<Round, 'ratio'>> {
  await sql.unsafe(CLEAR)
  await sql`checkpoint`
  const before = usage()
  const work = await runWriters(writers, workload, seconds)
  const load = (generatorCpu() - before[2]) / (work.seconds * SECOND * 1000)
  const stopped = performance.now()
  const left = await waiting()
  await until('the outbox is empty', waiting, (count) => count === 0)
  const drain = performance.now() - stopped
  const after = usage()
  const per = (index: 0 | 1 | 2) => (after[index] - before[index]) / work.transactions
  return {
    rate: work.transactions / work.seconds,
    postgres: per(0),
    server: per(1),
    generator: per(2),
    load,
    left,
    drain,
  }
}

/** @throws {Error} when an event is missing, there twice, or not in its writer's order, or a position is missing */
async function checkLedger(): Promise<number> {
  const [dense] = await sql<{ ok: boolean }[]>`select count(*) = max(position) - min(position) + 1 as ok from sse.log`
  if (!dense?.ok) throw new Error('the positions of the log are not dense')
  let total = 0
  for (const [index, workload] of WORKLOADS.entries()) {
    for (const [writer, { committed }] of writers.entries()) {
      const expected = workload.publishes ? (committed.get(workload) ?? 0) : 0
      const [row] = await sql<{ count: number; ordered: boolean }[]>`
        select count(*)::int as count, coalesce(bool_and(number = nth), true) as ordered
        from (
          select (data->>'number')::int as number, row_number() over (order by position) as nth
          from sse.log where channel = ${`orders.${index}-${writer}`}
        ) events`
      if (row?.count !== expected || !row.ordered) {
        throw new Error(
          `${workload.name}: writer ${writer} committed ${expected} events; the log has ${JSON.stringify(row)}`,
        )
      }
      total += row.count
    }
  }
  return total
}

const results = new Map(WORKLOADS.map((workload) => [workload, [] as Round[]]))
for (let round = 0; round <= rounds; round++) {
  console.error(round === 0 ? 'warming up' : `round ${round} of ${rounds}`)
  let baseline: number | undefined
  for (const workload of WORKLOADS) {
    const measured = await measure(workload)
    baseline ??= measured.rate
    if (round > 0) results.get(workload)?.push({ ...measured, ratio: measured.rate / baseline })
  }
}
for (const writer of writers) writer.close()
const events = await checkLedger()

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number
console.log(
  `| ${writerCount} writers, one transaction at a time each | tx/s | against INSERT alone | µs of Postgres | of the server | of the writers | left in the outbox, moved within |`,
)
console.log('| --- | --: | --: | --: | --: | --: | --: |')
for (const [{ name, publishes }, list] of results) {
  const of = (key: keyof Round) => median(list.map((round) => round[key]))
  const change = Math.round((of('ratio') - 1) * 100)
  const cells = [
    name,
    Math.round(of('rate')).toLocaleString('en'),
    `${change > 0 ? '+' : ''}${change} %`,
    ...(['postgres', 'server', 'generator'] as const).map((key) => Math.round(of(key))),
    publishes ? `${of('left').toLocaleString('en')}, ${Math.round(of('drain'))} ms` : '',
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
console.log(`\n${events.toLocaleString('en')} events: each in the log once, in order; the outbox is empty.`)
const busiest = Math.max(...[...results.values()].flat().map(({ load }) => load))
const verdict = busiest > BUSY ? 'they may have limited the rates' : 'they did not limit the rates'
console.log(
  `The writers used ${Math.round(busiest * 100)} % of a core at most: ${verdict}, other than by sharing the machine's cores.`,
)
