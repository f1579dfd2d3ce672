// Behind pgbouncer in transaction mode, LISTEN is impossible and prepared statements are not kept.

import { expect, test } from 'bun:test'
import { createDatabase } from '../../testing/database.ts'
import { startProcess } from '../../testing/instance.ts'
import { describeWithPgbouncer, startPgbouncer } from '../../testing/pgbouncer.ts'
import { expectClean, someTraffic, untilReadiness } from './deployment.ts'

describeWithPgbouncer('behind pgbouncer in transaction mode', () => {
  test('without a direct connection events come on the tick; readiness and the log say so', async () => {
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

  test('with a direct connection for LISTEN everything is as without it', async () => {
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
})
