// How much memory and time does a report of many orders take?
//
//   bun server/shop/tasks/kinds/report.bench.ts [orders…]

import { startProcess } from '../../../testing/instance.ts'
import { startOwnPostgres } from '../../../testing/own-postgres.ts'
import type { Task } from '../schema.ts'

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100_000, 1_000_000]
const MIB = 2 ** 20

const database = await startOwnPostgres()
const instance = await startProcess({ DATABASE_URL: database.url, QUERY_TIMEOUT_MS: '60000' })

async function residentMemory(): Promise<number> {
  const text = await (await fetch(`${instance.url}/metrics`)).text()
  return Number(/^sse_update_resident_memory_bytes (\S+)/m.exec(text)?.[1])
}

for (const size of sizes) {
  await database.sql`truncate sse.orders`
  await database.sql`
    insert into sse.orders (customer, currency, lines, total, status, created_at)
    select 'c' || i % 50000, 'EUR',
           jsonb_build_array(jsonb_build_object('sku', 'S' || i % 500, 'name', 'Thing', 'quantity', 2, 'unitPrice', i % 1000)),
           2 * (i % 1000), 'paid', now() - (i % 30) * interval '1 day'
    from generate_series(1, ${size}::int) i`
  const before = await residentMemory()
  const start = performance.now()
  const response = await fetch(`${instance.url}/api/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"kind":"report"}',
  })
  let task = (await response.json()) as Task
  let most = before
  while (task.endedAt === null) {
    await Bun.sleep(100)
    most = Math.max(most, await residentMemory())
    task = (await (await fetch(`${instance.url}/api/tasks/${task.id}`)).json()) as Task
  }
  const seconds = (performance.now() - start) / 1000
  const memory = `${Math.round(before / MIB)} MB before, ${Math.round(most / MIB)} MB at most`
  console.log(`${size.toLocaleString('en').padStart(10)} orders  ${task.state} in ${seconds.toFixed(1)} s  ${memory}`)
}
await instance[Symbol.asyncDispose]()
await database[Symbol.asyncDispose]()
process.exit(0)
