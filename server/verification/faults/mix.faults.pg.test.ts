// All faults, in a random order that a seed reproduces: FAULT_SEED=… bun run test:faults mix

import { expect, test } from 'bun:test'
import type { Sql } from '../../platform/database.ts'
import { createRandom } from '../../platform/random.ts'
import { SECOND } from '../../platform/time.ts'
import { startOwnPostgres } from '../../testing/own-postgres.ts'
import type { Verification } from '../verification.ts'
import { type Deployment, deploy, expectClean, full, MIX } from './deployment.ts'

const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31))
const duration = Number(process.env.FAULT_SECONDS ?? full(600, 10)) * SECOND

/** A deployment on a Postgres of its own, which may be killed. */
type Mixed = Deployment & { sql: Sql; killPostgres: (signal: NodeJS.Signals) => Promise<void> }

type Fault = (deployment: Mixed, verification: Verification, random: () => number) => Promise<void>

const one = <T>(list: readonly T[], random: () => number) => list[Math.floor(random() * list.length)] as T
/** A time by chance: in this mix, when a fault comes and how long it lasts is the input, and nothing is concluded from it. */
const moment = (random: () => number) => Bun.sleep(50 + random() * 700)

const faults: Record<string, Fault> = {
  async 'cut clients'(_deployment, verification) {
    for (const subscriber of verification.pick(20)) subscriber.cut()
  },
  async 'stall clients'(_deployment, verification, random) {
    const slow = verification.pick(10)
    for (const subscriber of slow) subscriber.pause()
    await moment(random)
    for (const subscriber of slow) subscriber.resume()
  },
  async 'cut all of an instance'({ proxies }, _verification, random) {
    one(proxies, random).cut()
  },
  async 'drop all packets of an instance'({ proxies }, _verification, random) {
    const proxy = one(proxies, random)
    proxy.blackhole()
    await moment(random)
    proxy.flow()
  },
  async 'cut Postgres'({ postgres }) {
    postgres.cut()
  },
  async 'kill Postgres'({ killPostgres }) {
    await killPostgres('SIGKILL')
  },
  async 'restart Postgres'({ killPostgres }) {
    await killPostgres('SIGINT')
  },
  async 'stall Postgres'({ postgres }, _verification, random) {
    postgres.stall()
    await moment(random)
    postgres.flow()
  },
  async 'hold a transaction open'({ sql }, _verification, random) {
    await sql
      .begin(async (transaction) => {
        await transaction`select sse.publish('long', 't', '1')`
        await moment(random)
      })
      // Postgres may become unreachable in the meantime.
      .catch(() => {})
  },
  async 'run retention'({ sql }) {
    await sql`select sse.purge('1 hour', 5000000)`.catch(() => {})
  },
  async 'publish too much at once'({ urls }, _verification, random) {
    const body = JSON.stringify(Array.from({ length: 500 }, () => ({ channel: 'flood', type: 't' })))
    const headers = { 'content-type': 'application/json' }
    const flood = Array.from({ length: 100 }, () =>
      fetch(`${one(urls, random)}/events`, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) }).catch(
        () => {},
      ),
    )
    await Promise.all(flood)
  },
  async 'refuse Postgres'({ postgres }, _verification, random) {
    await postgres.refuse()
    await moment(random)
    await postgres.accept()
  },
  async 'drop all packets of Postgres'({ postgres }, _verification, random) {
    postgres.blackhole()
    await moment(random)
    postgres.flow()
  },
  async 'slow Postgres'({ postgres }, _verification, random) {
    postgres.delay(Math.ceil(random() * 50))
    await moment(random)
    postgres.delay(0)
  },
  async 'terminate backends'({ sql }) {
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'sse-update%' and datname = current_database()`.catch(() => {})
  },
  async 'kill an instance'(deployment, _verification, random) {
    const index = Math.floor(random() * deployment.instances.length)
    await deployment.instances[index]?.end('SIGKILL')
    await moment(random)
    await deployment.restart(index)
  },
  async 'restart an instance'(deployment, _verification, random) {
    const index = Math.floor(random() * deployment.instances.length)
    await deployment.instances[index]?.end('SIGTERM')
    await deployment.restart(index)
  },
}

test(
  `a mix of all faults, seed ${seed}`,
  async () => {
    const random = createRandom(seed)
    await using own = await startOwnPostgres()
    await using deployed = await deploy({
      instances: 3,
      databaseUrl: own.url,
      settings: { MAX_PENDING_PUBLISHES: '50' },
    })
    const deployment = Object.assign(deployed, { sql: own.sql, killPostgres: own.kill })
    const happened: string[] = []
    const report = await expectClean(
      deployment.urls,
      async (verification) => {
        const end = performance.now() + duration
        while (performance.now() < end) {
          const name = one(Object.keys(faults), random)
          happened.push(name)
          await faults[name]?.(deployment, verification, random)
          await moment(random)
        }
      },
      { seed, transports: MIX },
    ).catch((error) => {
      throw new Error(`seed ${seed}, after ${happened.join(', ')}`, { cause: error })
    })
    console.log(
      `mix of faults: seed ${seed}, ${happened.length} faults, ${report.delivered} deliveries, ${report.reconnects} reconnects, ${report.retries} publish retries`,
    )
    expect(happened.length).toBeGreaterThan(3)
  },
  duration + 300 * SECOND,
)
