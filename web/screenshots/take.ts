// Takes the screenshots of the README: a busy order board, a lab with a clean ledger, and a comparison after a cut network.
//
//   bun web/screenshots/take.ts

import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { createRandom } from '../../server/platform/random.ts'
import { Demo } from '../../server/shop/demo/demo.ts'
import { startProcess } from '../../server/testing/instance.ts'
import { startOwnPostgres } from '../../server/testing/own-postgres.ts'

const executablePath = process.env.CHROMIUM ?? Bun.which('chromium') ?? undefined
const database = await startOwnPostgres()
const instance = await startProcess({ DATABASE_URL: database.url, LAB: 'on', INSTANCE_NAME: 'web-1' })
const shop = new Demo({ url: instance.url, random: createRandom(5), keep: 120 })
await shop.open(60)
const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox'] })
const url = instance.url.replace('127.0.0.1', 'localhost')

async function take(
  name: string,
  colorScheme: 'light' | 'dark',
  prepare: (page: import('playwright-core').Page) => Promise<void>,
) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, colorScheme })
  await page.goto(`${url}/${name}`)
  await page.getByText('Live', { exact: true }).waitFor()
  await prepare(page)
  await page.screenshot({ path: join(import.meta.dir, `${name}.png`) })
  await page.close()
}

await take('orders', 'light', async (page) => {
  await page.locator('.order').first().waitFor()
  for (let count = 0; count < 25; count++) await shop.act()
  await page
    .locator('.toast')
    .first()
    .waitFor({ timeout: 1000 })
    .catch(() => {})
})
await take('lab', 'dark', async (page) => {
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await page.getByText('50 live').waitFor()
  await page.getByRole('button', { name: 'Publish' }).click()
  await page.getByText('10,000').waitFor()
  await page.getByRole('button', { name: 'Publish' }).scrollIntoViewIfNeeded()
  await page.evaluate(() => scrollTo(0, 330))
  await page.waitForTimeout(500)
})
await take('compare', 'dark', async (page) => {
  await page.getByRole('button', { name: 'Start' }).click()
  await page.waitForTimeout(8000)
  await page.getByRole('button', { name: 'Burst' }).click()
  await page.getByText('Burst: every lane has every event').waitFor()
  await page.getByRole('button', { name: 'Cut the network' }).click()
  await page.getByText('Network cut for 5 s: every lane has every event').waitFor()
})
await browser.close()
await instance.end('SIGTERM')
await database[Symbol.asyncDispose]()
process.exit(0)
