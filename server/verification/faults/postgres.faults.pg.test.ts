// Postgres becomes unreachable and recovers: streams stay open, publishing returns 503, and all streams get every event
// once.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type OwnPostgres, startOwnPostgres } from '../../testing/own-postgres.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { type Deployment, deploy, expectClean, full, someTraffic, untilReadiness } from './deployment.ts'

/** Heartbeats that come while Postgres is out of reach. */
const OUTAGE = full(30, 3)

describe('Postgres is unreachable', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await deploy()
  })
  afterAll(() => deployment[Symbol.asyncDispose]())

  test('its connections are cut repeatedly, also during commits', async () => {
    const { postgres, urls } = deployment
    await expectClean(urls, async (verification) => {
      // Until a cut has hit a publish.
      for (let times = 0; times < full(20, 5) || verification.publisher.retries === 0; times++) {
        await someTraffic(verification)
        postgres.cut()
      }
    })
  })

  test('its connections are cut while events without a key are published: each is published at most once', async () => {
    const { postgres, urls } = deployment
    const report = await expectClean(
      urls,
      async (verification) => {
        for (let times = 0; times < full(20, 5); times++) {
          await someTraffic(verification)
          postgres.cut()
        }
      },
      { isKeyed: false },
    )
    expect(report.duplicated + report.misplaced).toBe(0)
  })

  test('connections are refused, as in a failover: readiness reports why, publishers get Retry-After, streams stay open', async () => {
    const { postgres, urls, instances, database } = deployment
    await using reader = await openStream(String(instances[0]?.url), ['quiet'])
    await expectClean(urls, async (verification) => {
      await someTraffic(verification)
      await postgres.refuse()
      const readiness = await untilReadiness(String(instances[0]?.url), ({ code }) => code === 503)
      expect(readiness.checks.log).toMatchObject({ status: 'failed', detail: expect.stringContaining('Postgres') })
      const refused = await fetch(`${instances[0]?.url}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"channel":"c","type":"t"}',
      })
      expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, 2])
      const seen = reader.frames.length
      await reader.until(({ frames }) => frames.length >= seen + OUTAGE)
      await database.sql`select sse.publish('quiet', 'meanwhile', '1')`
      await postgres.accept()
    })
    await reader.untilEvents(1)
    await untilReadiness(String(instances[0]?.url), ({ code }) => code === 200)
  })

  test('half-open sockets that never respond', async () => {
    const { postgres, urls, instances } = deployment
    await expectClean(urls, async (verification) => {
      await someTraffic(verification)
      postgres.blackhole()
      await untilReadiness(String(instances[0]?.url), ({ code }) => code === 503)
      postgres.flow()
    })
    await untilReadiness(String(instances[0]?.url), ({ status }) => status === 'ok')
  })

  test('a network that stalls for a moment, and one that is slow', async () => {
    const { postgres, urls, instances } = deployment
    await using reader = await openStream(String(instances[0]?.url), ['quiet'])
    await expectClean(urls, async (verification) => {
      await someTraffic(verification)
      postgres.stall()
      const seen = reader.frames.length
      await reader.until(({ frames }) => frames.length >= seen + 2)
      postgres.flow()
      await someTraffic(verification)
      postgres.delay(40)
      await someTraffic(verification)
      postgres.delay(0)
    })
  })

  test("the listener's backend is terminated repeatedly", async () => {
    const { urls, database, instances } = deployment
    await expectClean(urls, async (verification) => {
      for (let times = 0; times < full(20, 5); times++) {
        await someTraffic(verification)
        await database.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'sse-update listen' and datname = current_database()`
      }
    })
    for (const { url } of instances) await untilReadiness(url, ({ status }) => status === 'ok')
  })

  test('every backend is terminated under load', async () => {
    const { urls, database } = deployment
    await expectClean(urls, async (verification) => {
      for (let times = 0; times < full(10, 3); times++) {
        await someTraffic(verification)
        await database.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name like 'sse-update%' and datname = current_database() and pid <> pg_backend_pid()`
      }
    })
  })

  test('a transaction that stays open after sse.publish delays only its own events', async () => {
    const { urls, database, instances } = deployment
    await using reader = await openStream(String(instances[1]?.url), ['slow'])
    const opened = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const slow = database.sql.begin(async (transaction) => {
      await transaction`select sse.publish('slow', 'late', '1')`
      opened.resolve()
      await release.promise
    })
    await opened.promise
    await expectClean(urls, (verification) => someTraffic(verification, full(3000, 100)))
    expect(reader.events).toEqual([])
    release.resolve()
    await slow
    await reader.untilEvents(1)
  })
})

describe('Postgres restarts', () => {
  let postgres: OwnPostgres
  let deployment: Deployment
  beforeAll(async () => {
    postgres = await startOwnPostgres()
    deployment = await deploy({ databaseUrl: postgres.url })
  })
  afterAll(async () => {
    await deployment[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
  })

  test.each(['SIGINT', 'SIGKILL'] as const)('after %s, all streams have every event once', async (name) => {
    await expectClean(deployment.urls, async (verification) => {
      for (let times = 0; times < full(3, 1); times++) {
        await someTraffic(verification)
        await postgres.kill(name)
        // Deliveries from now on have come through the restart.
        await someTraffic(verification)
        await untilReadiness(String(deployment.instances[0]?.url), ({ code }) => code === 200)
      }
    })
  })
})
