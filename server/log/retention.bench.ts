// How quickly is published while the log is empty, while it holds ten million events, and while they are dropped?
//
//   bun server/log/retention.bench.ts [events]

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrationsDirectory } from '../platform/assets.ts'
import { connectDatabase } from '../platform/database.ts'
import { EmbeddedPostgres } from '../platform/embedded-postgres/embedded-postgres.ts'
import { createLogger } from '../platform/logger.ts'
import { migrate, readMigrations } from '../platform/migrate.ts'
import { Pool } from '../platform/pool.ts'
import { SECOND } from '../platform/time.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { createLog } from './log.ts'
import { Publisher } from './publisher.ts'

const EVENTS = Number(process.argv[2] ?? 10_000_000)
const PUBLISHERS = 256
const MEASURED = 5 * SECOND
const FILL = 20_000

const directory = await mkdtemp(join(tmpdir(), 'sse-update-bench-'))
await Bun.$`chmod 755 ${directory}`
const logger = createLogger({ logLevel: 'warn', logFormat: 'auto' })
const postgres = await EmbeddedPostgres.start({ directory, logger })
const sql = connectDatabase(postgres.address)
await migrate(sql, await readMigrations(migrationsDirectory))
const pool = new Pool({ address: postgres.address, max: 10, timeout: 60 * SECOND, logger })
const log = createLog(pool)
const publisher = new Publisher({ log, onCommit: () => {}, telemetry: SILENT })

/** Events a second that many publishers get acknowledged, one event a request, while `until` is not settled. */
async function measure(name: string, until: Promise<unknown>): Promise<void> {
  let isOver = false
  void until.then(() => {
    isOver = true
  })
  const start = performance.now()
  let count = 0
  let slowest = 0
  await Promise.all(
    Array.from({ length: PUBLISHERS }, async () => {
      while (!isOver) {
        const sent = performance.now()
        await publisher.publish([
          { channel: 'orders.alice.17', type: 'order.paid', data: '{"total":12}', origin: null, key: null },
        ])
        slowest = Math.max(slowest, performance.now() - sent)
        count++
      }
    }),
  )
  const seconds = (performance.now() - start) / SECOND
  const { oldest, head } = await log.bounds()
  console.log(
    `${name.padEnd(34)} ${Math.round(count / seconds)
      .toLocaleString('en')
      .padStart(8)}/s  slowest ${Math.round(slowest)} ms  kept ${(head - oldest + 1).toLocaleString('en')}`,
  )
}

await measure('an empty log (warming up)', Bun.sleep(MEASURED))
await measure('an empty log', Bun.sleep(MEASURED))
for (let { head } = await log.bounds(); head < EVENTS; head += FILL) {
  await sql`
    select sse.append(array_fill('orders.alice.17'::text, array[n]), array_fill('order.paid'::text, array[n]),
                      array_fill('{"total":12}'::json, array[n]), array_fill(null::text, array[n]), null)
    from (select ${FILL}::int as n) size`
}
await measure('ten million events kept', Bun.sleep(MEASURED))
const dropping = (async () => {
  const start = performance.now()
  for (let kept = EVENTS - 1_000_000; kept > 0; kept -= 1_000_000) {
    while (await log.purge({ maxAge: null, maxEvents: kept }));
    await Bun.sleep(MEASURED / 10)
  }
  return performance.now() - start
})()
await measure('while partitions are dropped', dropping)

await pool.end({ timeout: 1 })
await sql.end()
await postgres.stop()
await rm(directory, { recursive: true, force: true })
process.exit(0)
