// Postgres goes away and comes back: streams stay open, publishing says 503, and afterwards everybody has everything once.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type OwnPostgres, startOwnPostgres } from '../../testing/own-postgres.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { type Deployment, deploy, expectClean, full, someTraffic, untilReadiness } from './deployment.ts'

/** Heartbeats that come while Postgres is out of reach. */
const OUTAGE = full(30, 3)

describe('Postgres out of reach', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await deploy()
  })
  afterAll(() => deployment[Symbol.asyncDispose]())

  test('its connections are cut, again and again, also under commits', async () => {
    const { postgres, urls } = deployment
    await expectClean(urls, async (verification) => {
      // Until a cut has come under a publish.
      for (let times = 0; times < full(20, 5) || verification.publisher.retries === 0; times++) {
        await someTraffic(verification)
        postgres.cut()
      }
    })
  })

  test('its connections are cut under events without a key: each is published once or not at all, never twice', async () => {
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
    expect(report.doubled + report.misplaced).toBe(0)
  })

  test('an address that refuses, as in a failover: readiness says why, publishing is told when to try again, streams live on', async () => {
    const { postgres, urls, instances, database } = deployment
    await using reader = await openStream(String(instances[0]?.url), ['quiet'])
    await expectClean(urls, async (verification) => {
      await someTraffic(verification)
      await postgres.refuse()
      const answer = await untilReadiness(String(instances[0]?.url), ({ code }) => code === 503)
      expect(answer.checks.log).toMatchObject({ status: 'failed', detail: expect.stringContaining('Postgres') })
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

  test('half-open sockets that never answer', async () => {
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

  test("the listener's backend is terminated, again and again", async () => {
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

  test('a transaction that stays open after sse.publish delays its own events alone', async () => {
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

  test.each(['SIGINT', 'SIGKILL'] as const)('after %s everybody has every event once', async (name) => {
    await expectClean(deployment.urls, async (verification) => {
      for (let times = 0; times < full(3, 1); times++) {
        await someTraffic(verification)
        await postgres.kill(name)
        // What goes on now has come through the restart.
        await someTraffic(verification)
        await untilReadiness(String(deployment.instances[0]?.url), ({ code }) => code === 200)
      }
    })
  })
})
