// All faults, in an order that chance chose and a seed repeats: FAULT_SEED=… bun run test:faults mix

import { expect, test } from 'bun:test'
import { SECOND } from '../../platform/time.ts'
import { createRandom } from '../random.ts'
import type { Verification } from '../verification.ts'
import { type Deployment, deploy, expectClean, full } from './deployment.ts'

const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31))
const duration = Number(process.env.FAULT_SECONDS ?? full(600, 10)) * SECOND

type Fault = (deployment: Deployment, verification: Verification, random: () => number) => Promise<void>

const one = <T>(list: readonly T[], random: () => number) => list[Math.floor(random() * list.length)] as T
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
  async 'swallow an instance'({ proxies }, _verification, random) {
    const proxy = one(proxies, random)
    proxy.blackhole()
    await moment(random)
    proxy.flow()
  },
  async 'cut Postgres'({ postgres }) {
    postgres.cut()
  },
  async 'refuse Postgres'({ postgres }, _verification, random) {
    await postgres.refuse()
    await moment(random)
    await postgres.accept()
  },
  async 'swallow Postgres'({ postgres }, _verification, random) {
    postgres.blackhole()
    await moment(random)
    postgres.flow()
  },
  async 'slow Postgres'({ postgres }, _verification, random) {
    postgres.delay(Math.ceil(random() * 50))
    await moment(random)
    postgres.delay(0)
  },
  async 'terminate backends'({ database }) {
    await database.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'sse-update%' and datname = current_database()`
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
    await using deployment = await deploy({ instances: 3 })
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
      { seed },
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
