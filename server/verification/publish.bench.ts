// What does a request cost that publishes one event?
//
//   bun run bench:publish [--publishers 64] [--size 98] [--duration 5] [--rounds 3] [--profile DIRECTORY]
//
// It starts a server of its own, with an embedded Postgres that syncs every commit to disk, and a bare `Bun.serve` that reads the body
// and responds with as many bytes: the floor of any server on Bun. Rounds alternate between the two, and each figure is the
// median of its rounds. `--profile` writes a CPU profile of the server, which slows it down. Every response is checked, and in the end the log must be as long as the number of responses.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SECOND } from '../platform/time.ts'
import { startProcess } from '../testing/instance.ts'
import { freePort } from '../testing/ports.ts'
import { until } from '../testing/until.ts'
import { ClosedLoop } from './closed-loop.ts'
import { cpuOf, cpuOfDescendants } from './process-cpu.ts'

const { values } = parseArgs({
  options: {
    publishers: { type: 'string', default: '64' },
    size: { type: 'string', default: '98' },
    duration: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    profile: { type: 'string' },
  },
})
const [publishers, size, duration, rounds] = [values.publishers, values.size, values.duration, values.rounds].map(
  Number,
) as [number, number, number, number]

/** Seconds of load before the first round, until the code is compiled. */
const WARM_UP = 3

interface Target {
  url: URL
  pid: number
}

/** Of one round. */
interface Figures {
  requestsPerSecond: number
  /** Microseconds of CPU per request. */
  server: number
  postgres: number
  generator: number
  /** Milliseconds. */
  p50: number
  p99: number
}

/** Bytes of a request, whose data are of the size that was asked for. */
function requestTo(url: URL): Uint8Array {
  const data = { text: 'x'.repeat(Math.max(0, size - '{"text":""}'.length)) }
  const body = JSON.stringify({ channel: 'bench.publish', type: 'bench', data })
  return Buffer.from(
    `POST /events HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

async function measure({ url, pid }: Target, seconds: number): Promise<Figures & { positions: number[] }> {
  const positions: number[] = []
  const latencies: number[] = []
  const sentAt: number[] = Array.from({ length: publishers }, () => performance.now())
  const load = new ClosedLoop({
    url,
    connections: publishers,
    request: () => requestTo(url),
    onResponse(response, connection) {
      if (!response.startsWith('HTTP/1.1 201 ')) throw new Error(response)
      positions.push(Number(/\{"position":(\d+)\}\n$/.exec(response)?.[1]))
      const now = performance.now()
      latencies.push(now - (sentAt[connection] as number))
      sentAt[connection] = now
    },
  })
  const read = () => [cpuOf(pid), cpuOfDescendants(pid), cpuOf(process.pid)] as const
  const before = read()
  const start = performance.now()
  load.start()
  await Bun.sleep(seconds * SECOND)
  await load.stop()
  const elapsed = performance.now() - start
  const after = read()
  const [server, postgres, generator] = after.map(
    (cpu, index) => ((cpu - (before[index] as number)) * 1000) / positions.length,
  )
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] as number
  return {
    requestsPerSecond: positions.length / (elapsed / SECOND),
    server: server as number,
    postgres: postgres as number,
    generator: generator as number,
    p50: at(0.5),
    p99: at(0.99),
    positions,
  }
}

/** A server that does what every server on Bun has to do for such a request, and no more. */
const BARE = `
let position = 0
Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[1]),
  development: false,
  async fetch(request) {
    JSON.parse(await request.text())
    return new Response('{"position":' + ++position + '}\\n', {
      status: 201,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
  },
})
`

async function startBare() {
  const port = await freePort()
  const child = Bun.spawn([process.execPath, '-e', BARE, String(port)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const url = new URL(`http://127.0.0.1:${port}`)
  await until('the bare server listens', () =>
    fetch(url, { method: 'POST', body: '{}' }).then(
      (response) => response.ok,
      () => false,
    ),
  )
  return { url, pid: child.pid, end: () => child.kill() }
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number

const profiling = values.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-md', '--cpu-prof-dir', values.profile]
const directory = await mkdtemp(join(tmpdir(), 'sse-update-bench-'))
await Bun.$`chmod 755 ${directory}`
const bare = await startBare()
const figures = { ours: [] as Figures[], bare: [] as Figures[] }
try {
  await using server = await startProcess(
    { DATA_DIR: directory },
    { command: [process.execPath, ...profiling, 'server/main.ts'] },
  )
  const ours = { url: new URL(server.url), pid: server.pid }
  const seen = new Set<number>()
  let responses = 0
  const run = async (seconds: number) => {
    const { positions, ...measured } = await measure(ours, seconds)
    for (const position of positions) seen.add(position)
    responses += positions.length
    return measured
  }
  await run(WARM_UP)
  await measure(bare, WARM_UP)
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1} of ${rounds}`)
    figures.ours.push(await run(duration))
    figures.bare.push(await measure(bare, duration))
  }
  if (seen.size !== responses || seen.size !== Math.max(...seen))
    throw new Error(`${responses} responses have ${seen.size} positions`)
} finally {
  bare.end()
  await rm(directory, { recursive: true, force: true })
}

console.log('| server | requests/s | server CPU | Postgres CPU | generator CPU | latency p50 / p99 |')
console.log('| --- | --: | --: | --: | --: | --: |')
for (const [name, list] of Object.entries(figures)) {
  const of = (key: keyof Figures) => median(list.map((each) => each[key]))
  const cells = [
    name === 'ours' ? 'sse-update' : 'a bare `Bun.serve`',
    Math.round(of('requestsPerSecond')).toLocaleString('en'),
    ...(['server', 'postgres', 'generator'] as const).map((key) => `${of(key).toFixed(1)} µs`),
    `${of('p50').toFixed(1)} / ${of('p99').toFixed(1)} ms`,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
process.exit(0)
