// Streams over Server-Sent Events, WebSockets and long-polling, side by side, while one thing after the other fails.

import { expect, test } from 'bun:test'
import { until } from '../../testing/until.ts'
import type { Verification } from '../verification.ts'
import { type Deployment, deploy, expectClean, full, MIX, someTraffic, untilReadiness } from './deployment.ts'

const FAULTS: Record<string, (deployment: Deployment, verification: Verification) => Promise<void>> = {
  async 'clients are cut off'(_deployment, verification) {
    for (const subscriber of verification.pick(20)) subscriber.cut()
  },
  async 'clients stop reading for a while'(_deployment, verification) {
    const slow = verification.subscribers.slice(0, 12)
    for (const subscriber of slow) subscriber.pause()
    const { sent } = verification.publications
    await until('much is published', () => verification.publications.sent >= sent + 150)
    for (const subscriber of slow) subscriber.resume()
  },
  async 'the connections to an instance are cut'({ proxies }) {
    proxies[0]?.cut()
  },
  async 'a network drops all packets'({ proxies }, verification) {
    const before = verification.reconnects
    proxies[0]?.blackhole()
    await until('streams have noticed', () => verification.reconnects > before)
    proxies[0]?.flow()
  },
  async 'an instance is killed'(deployment) {
    await deployment.instances[0]?.end('SIGKILL')
    await deployment.restart(0)
  },
  async 'an instance restarts'(deployment) {
    await deployment.instances[1]?.end('SIGTERM')
    await deployment.restart(1)
  },
  async 'the connections to Postgres are cut'({ postgres }) {
    postgres.cut()
  },
  async 'Postgres is unreachable'({ postgres, instances }) {
    await postgres.refuse()
    await untilReadiness(String(instances[0]?.url), ({ code }) => code === 503)
    await postgres.accept()
  },
}

test('every event arrives once and in order on each transport, whatever fails', async () => {
  await using deployment = await deploy()
  const report = await expectClean(
    deployment.urls,
    async (verification) => {
      for (let round = 0; round < full(5, 1); round++) {
        for (const fault of Object.values(FAULTS)) {
          await fault(deployment, verification)
          await someTraffic(verification, 20)
        }
      }
      // What failed has reached streams of each transport.
      for (const [index, transport] of MIX.entries()) {
        const streams = verification.subscribers.filter((_, place) => place % MIX.length === index)
        const [reconnected] = streams.filter(({ reconnects }) => reconnects > 0)
        expect([transport, (reconnected?.ledger.delivered ?? 0) > 0]).toEqual([transport, true])
      }
    },
    { transports: MIX, connections: full(201, 42) },
  )
  expect(report.transport).toBe(MIX.length > 1 ? 'mixed' : (MIX[0] ?? 'sse'))
})
