// Behind pgbouncer in transaction mode, LISTEN is impossible and prepared statements are not kept.

import { expect, test } from 'bun:test'
import { createDatabase } from '../../testing/database.ts'
import { startFaultProxy } from '../../testing/fault-proxy.ts'
import { startProcess } from '../../testing/instance.ts'
import { describeWithPgbouncer, startPgbouncer } from '../../testing/pgbouncer.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { expectClean, full, someTraffic, untilReadiness } from './deployment.ts'

describeWithPgbouncer('behind pgbouncer in transaction mode', () => {
  test('without a direct connection, events arrive at the poll interval, and readiness and the log report it', async () => {
    await using database = await createDatabase()
    await using bouncer = await startPgbouncer(database.url)
    const settings = { DATABASE_URL: bouncer.url, POLL_INTERVAL_MS: '50', RETRY_MS: '50' }
    await using a = await startProcess(settings)
    await using b = await startProcess(settings)
    await expectClean([a.url, b.url], async (verification) => {
      await someTraffic(verification)
      await database.sql`select sse.publish('sql', 't', '1')`
    })
    const { status, checks } = await untilReadiness(
      a.url,
      ({ checks: { listener } }) => listener?.detail?.includes('DATABASE_LISTEN_URL') ?? false,
    )
    expect([status, checks.log?.status]).toEqual(['degraded', 'ok'])
    expect(a.output).toContain('not listening for notifications')
  })

  test('with a direct connection for LISTEN, everything works as without a pooler', async () => {
    await using database = await createDatabase()
    await using bouncer = await startPgbouncer(database.url)
    const settings = {
      DATABASE_URL: bouncer.url,
      DATABASE_LISTEN_URL: database.url,
      POLL_INTERVAL_MS: '60000',
      RETRY_MS: '50',
    }
    await using a = await startProcess(settings)
    await using b = await startProcess(settings)
    for (const { url } of [a, b]) await untilReadiness(url, ({ status }) => status === 'ok')
    await expectClean([a.url, b.url], (verification) => someTraffic(verification))
  })

  test('an outage of Postgres behind it: streams stay open, publishing returns 503, and no event is lost', async () => {
    await using database = await createDatabase()
    const { hostname, port } = new URL(database.url)
    await using postgres = await startFaultProxy({ host: hostname, port: Number(port) })
    const behind = new URL(database.url)
    behind.port = String(postgres.port)
    await using bouncer = await startPgbouncer(behind.href)
    const settings = { DATABASE_URL: bouncer.url, DATABASE_LISTEN_URL: database.url, WINDOW_BYTES: '0', RETRY_MS: '50' }
    await using a = await startProcess({ ...settings, HEARTBEAT_MS: '300' })
    await using quiet = await openStream(a.url, ['quiet'])
    const statuses = new Set<number>()
    await expectClean([a.url], async (verification) => {
      for (let times = 0; times < full(5, 2); times++) {
        await someTraffic(verification)
        await postgres.refuse()
        for (let round = 0; round < full(20, 5); round++) {
          const [publishing, stream] = await Promise.all([
            fetch(`${a.url}/events`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: '{"channel":"other","type":"t"}',
            }),
            // Another request each time: repetitions are delayed.
            fetch(`${a.url}/events?lastEventId=earliest&clientId=${times}-${round}`),
          ])
          statuses.add(publishing.status)
          expect(stream.status).toBe(200)
          await stream.body?.cancel()
        }
        await postgres.accept()
      }
    })
    statuses.delete(201)
    expect([...statuses]).toEqual([503])
    // The stream has stayed open throughout.
    const seen = quiet.frames.length
    await quiet.until(({ frames }) => frames.length > seen)
  })
})
