// Measures frame times of the dashboard in a real browser while 200 events per second arrive: on a board of 5,000 orders, and
// in a log of 100,000 events that is being scrolled.
//
//   bun web/src/smoothness.bench.ts

import { chromium, type Page } from 'playwright-core'
import { startProcess } from '../../server/testing/instance.ts'
import { startOwnPostgres } from '../../server/testing/own-postgres.ts'
import { publish } from '../../server/testing/stream-reader.ts'

const SECONDS = 10
const RATE = 200

const executablePath = process.env.CHROMIUM ?? Bun.which('chromium') ?? undefined
const database = await startOwnPostgres()
const instance = await startProcess({ DATABASE_URL: database.url })
await database.sql`
  insert into sse.orders (customer, currency, lines, total, status)
  select 'c' || i % 50, 'EUR', jsonb_build_array(jsonb_build_object('sku', 'S', 'name', 'Tea', 'quantity', 1, 'unitPrice', 5)), 5,
         (array['pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled'])[1 + i % 6]
  from generate_series(1, 5000) i`
for (let count = 0; count < 100; count++) {
  await publish(
    instance.url,
    Array.from({ length: 1000 }, (_, n) => ({ channel: 'log.old', type: 'old', data: { n } })),
  )
}
const browser = await chromium.launch({
  ...(executablePath && { executablePath }),
  args: ['--no-sandbox', '--disable-gpu'],
})
const url = instance.url.replace('127.0.0.1', 'localhost')

/** Milliseconds between frames while `during` runs. */
async function frames(page: Page, during: () => Promise<unknown>): Promise<number[]> {
  await page.evaluate(() => {
    const times: number[] = []
    Object.assign(window, { frameTimes: times })
    let last = performance.now()
    const step = (now: number) => {
      times.push(now - last)
      last = now
      requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  })
  await during()
  return page.evaluate(() => (window as unknown as { frameTimes: number[] }).frameTimes.slice(2))
}

/** Calls `one` at an even rate. */
async function traffic(one: (n: number) => Promise<unknown>): Promise<void> {
  const start = performance.now()
  for (let n = 0; n < RATE * SECONDS; n++) {
    void one(n)
    const ahead = start + (1000 * n) / RATE - performance.now()
    if (ahead > 0) await Bun.sleep(ahead)
  }
}

function report(name: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const late = times.filter((time) => time > 34).length
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
  console.log(
    `${name.padEnd(34)} ${times.length} frames, median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms, ${late} dropped (over two frames)`,
  )
}

const board = await browser.newPage({ viewport: { width: 1280, height: 820 } })
await board.goto(`${url}/orders`)
await board.getByText('5,000 orders').waitFor()
const statuses = ['pending', 'paid', 'packed', 'shipped', 'delivered']
report('5,000 orders, idle', await frames(board, () => Bun.sleep(1000 * SECONDS)))
report(
  `5,000 orders, ${RATE} changes/s`,
  await frames(board, () =>
    traffic((n) => {
      const id = 1 + ((n * 7) % 5000)
      return database.sql`
        with changed as (
          update sse.orders set version = version + 1, status = ${statuses[n % 5] ?? ''} where id = ${id} returning *)
        select sse.publish('orders.' || customer || '.' || id, 'order.' || status, json_build_object('changed', '[]'::json, 'order',
          json_build_object('id', id, 'customer', customer, 'currency', currency, 'lines', lines, 'total', total, 'status', status,
            'version', version, 'createdAt', created_at, 'updatedAt', updated_at))::text) from changed`
    }),
  ),
)
await board.close()

const log = await browser.newPage({ viewport: { width: 1280, height: 820 } })
await log.goto(`${url}/log`)
const rows = log.getByRole('table', { name: 'Events' })
await rows.waitFor()
// Load all pages of the log.
while (!(await log.getByTestId('log-count').textContent())?.startsWith('100,000')) {
  await rows.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await Bun.sleep(10)
}
report(
  `100,000 events, ${RATE}/s more, scrolled`,
  await frames(log, () =>
    Promise.all([
      traffic((n) => publish(instance.url, [{ channel: 'log.new', type: 'new', data: { n } }])),
      rows.evaluate(async (element, seconds) => {
        for (let step = 0; step < seconds * 20; step++) {
          element.scrollTo(0, (step * 7919 * 34) % element.scrollHeight)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }, SECONDS),
    ]),
  ),
)
await browser.close()
await instance.end('SIGTERM')
await database[Symbol.asyncDispose]()
process.exit(0)
