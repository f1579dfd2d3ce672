import { expect } from 'bun:test'
import { TRANSPORTS, type Transport } from '../../protocol/transport.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { until } from '../../testing/until.ts'
import { type Report, Verification, type VerificationOptions } from '../verification.ts'

/** `FAULTS=full` runs the suite at full size; otherwise the tests run a short form. */
const isFull = process.env.FAULTS === 'full'

/** Sizes of a run, full and short. */
export const full = <T>(inFull: T, inShort: T): T => (isFull ? inFull : inShort)

const SIZE = full(
  { connections: 200, rate: 500, deliveries: 100_000 },
  { connections: 40, rate: 200, deliveries: 4000 },
)

/**
 * How the streams of the suite are connected: as `FAULT_TRANSPORT` says (`sse`, `websocket`, `poll` or `mixed`); else by SSE in a short
 * run, and by all in turn in a full one.
 */
const chosen = process.env.FAULT_TRANSPORT ?? full('mixed', 'sse')
const transports = chosen === 'mixed' ? TRANSPORTS : [chosen as Transport]

/** Those of the tests that mix faults: all in turn, in a short run, too, unless `FAULT_TRANSPORT` says otherwise. */
export const MIX: readonly Transport[] = process.env.FAULT_TRANSPORT === undefined ? TRANSPORTS : transports

/** Those of the suite's transports that hold a connection as long as nothing fails; SSE when none does. */
export const LASTING: readonly Transport[] = chosen === 'poll' ? ['sse'] : transports.filter((each) => each !== 'poll')

/** Seconds that a request of long-polling waits: half-open connections show after two and a half of them. */
const WAIT = 1

/** Several instances in processes of their own, with a fault proxy before each, and one before their Postgres. */
export interface Deployment extends AsyncDisposable {
  instances: InstanceProcess[]
  /** Between the clients and each instance. */
  proxies: FaultProxy[]
  /** Between the instances and Postgres. */
  postgres: FaultProxy
  database: TestDatabase
  /** URLs for clients, through the proxies. */
  urls: string[]
  /** Starts the instance with this index again, on the same port. */
  restart(index: number): Promise<void>
}

export interface DeployOptions {
  instances?: number
  settings?: Record<string, string>
  /** URL of the database for the instances. Defaults to a database of the test run. */
  databaseUrl?: string
}

/** Settings that make faults show quickly. */
const QUICK = {
  HEARTBEAT_MS: '300',
  POLL_INTERVAL_MS: '100',
  QUERY_TIMEOUT_MS: '1000',
  RETRY_MS: '50',
  DRAIN_MS: '500',
}

export async function deploy({
  instances: count = 2,
  settings = {},
  databaseUrl,
}: DeployOptions = {}): Promise<Deployment> {
  const database = await createDatabase()
  const address = new URL(databaseUrl ?? database.url)
  const postgres = await startFaultProxy({ host: address.hostname, port: Number(address.port) })
  address.port = String(postgres.port)
  const environment = { DATABASE_URL: address.href, LOG_LEVEL: 'info', ...QUICK, ...settings }
  const instances = await Promise.all(Array.from({ length: count }, () => startProcess(environment)))
  const portOf = (instance: InstanceProcess) => Number(new URL(instance.url).port)
  const proxies = await Promise.all(
    instances.map((instance) => startFaultProxy({ host: '127.0.0.1', port: portOf(instance) })),
  )
  return {
    instances,
    proxies,
    postgres,
    database,
    urls: proxies.map(({ port }) => `http://127.0.0.1:${port}`),
    async restart(index) {
      const port = String(portOf(instances[index] as InstanceProcess))
      instances[index] = await startProcess({ ...environment, PORT: port })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(instances.map((instance) => instance.end('SIGKILL')))
      await Promise.all([...proxies, postgres].map((proxy) => proxy[Symbol.asyncDispose]()))
      await database[Symbol.asyncDispose]()
    },
  }
}

/**
 * Publishes and reads on a deployment while `faults` happen, until enough was delivered, and expects a clean ledger:
 * every acknowledged event on every stream, once and in order, and no gap announced.
 */
export async function expectClean(
  urls: readonly string[],
  faults: (verification: Verification) => Promise<void>,
  options: Partial<VerificationOptions> & { deliveries?: number } = {},
): Promise<Report> {
  const { deliveries = SIZE.deliveries, ...others } = options
  const verification = new Verification({
    urls,
    transports,
    wait: WAIT,
    connections: SIZE.connections,
    rate: SIZE.rate,
    ...others,
  })
  await verification.start()
  try {
    await faults(verification)
    await verification.untilDelivered(deliveries)
  } catch (error) {
    // It would publish on, without end, while other tests run.
    await verification.stop()
    throw error
  }
  const report = await verification.finish()
  const { missing, duplicated, reordered, foreign, misplaced, gaps, isClean } = report
  expect({
    missing,
    duplicated,
    reordered,
    foreign,
    misplaced,
    gaps,
    isClean,
    problem: isClean ? '' : verification.publisher.problem,
  }).toEqual({
    missing: 0,
    duplicated: 0,
    reordered: 0,
    foreign: 0,
    misplaced: 0,
    gaps: 0,
    isClean: true,
    problem: '',
  })
  expect(report.delivered).toBeGreaterThanOrEqual(deliveries)
  return report
}

/** Resolves after 20 × `events` more deliveries, so that a fault happens under traffic. */
export async function someTraffic(verification: Verification, events = 50): Promise<void> {
  await verification.untilDelivered(verification.delivered + events * 20)
}

/** A metric of an instance, summed over its labels that match. */
export async function metric(url: string, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text
    .split('\n')
    .filter((line) => new RegExp(`^sse_update_${name}[{ ]`).test(line) && line.includes(label))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** Reads `/readyz` until it is as wanted, and returns it. */
export const untilReadiness = (url: string, condition: (readiness: Readiness) => boolean): Promise<Readiness> =>
  until(
    `readiness of ${url} is as wanted`,
    async () => {
      const response = await fetch(`${url}/readyz`)
      return { code: response.status, ...((await response.json()) as Omit<Readiness, 'code'>) }
    },
    condition,
  )

/** The body of `/readyz`, with the status of the response as `code`. */
export interface Readiness {
  code: number
  status: string
  checks: Record<string, { status: string; detail?: string }>
}
