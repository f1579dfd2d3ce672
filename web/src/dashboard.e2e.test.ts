import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser, screenshot } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { publish } from '../../server/testing/stream-reader.ts'

describeInBrowser('the dashboard', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let port: string
  beforeAll(async () => {
    database = await createDatabase()
    port = String(await freePort())
    instance = await start()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const start = () => startProcess({ DATABASE_URL: database.url, PORT: port, RETRY_MS: '100' })
  const row = (page: Page, text: string) => page.locator('tbody tr', { hasText: text })
  const feedState = (page: Page) => page.getByRole('status', { name: 'State of the event stream' })

  async function openTab(): Promise<Page> {
    const page = await (await browser.newContext()).newPage()
    page.on('pageerror', (error) => {
      throw error
    })
    await page.goto(instance.url)
    await feedState(page).getByText('Live').waitFor()
    return page
  }

  test('says what to do while nothing was published', async () => {
    const page = await openTab()
    await page.getByText('Nothing was published yet').waitFor()
    await page.close()
  })

  test('two tabs show what one publishes; after a restart of the server both go on', async () => {
    const tabs = [await openTab(), await openTab()] as const
    await tabs[0].getByLabel('Channel', { exact: true }).fill('orders.alice.1')
    await tabs[0].getByLabel('Type').fill('order.first')
    await tabs[0].getByLabel('Data').fill('{"total": 12, "note": "größe <b>"}')
    await tabs[0].getByRole('button', { name: 'Publish' }).click()
    await tabs[0].getByText('Published at position 1').waitFor()
    for (const tab of tabs) {
      await row(tab, 'order.first').waitFor()
      expect(await row(tab, 'order.first').textContent()).toContain('{"total":12,"note":"größe <b>"}')
    }

    await instance.end('SIGTERM')
    for (const tab of tabs)
      await feedState(tab)
        .getByText(/Connecting|Out of reach/)
        .waitFor()
    await screenshot(tabs[0], 'dashboard-without-server')
    await database.sql`select sse.publish('orders.alice.1', 'order.while-away', '1')`
    instance = await start()
    // From the outbox, by the relay: only when it is there, the next comes after it.
    await row(tabs[0], 'order.while-away').waitFor()
    await publish(instance.url, [{ channel: 'orders.alice.1', type: 'order.after' }])
    for (const tab of tabs) {
      await row(tab, 'order.after').waitFor()
      const types = await tab.locator('tbody .tag').allTextContents()
      expect(types).toEqual(['order.after', 'order.while-away', 'order.first'])
    }
    await screenshot(tabs[0], 'dashboard')
    for (const tab of tabs) await tab.close()
  }, 60_000)

  test('further streams open on a pattern, count what they receive, and close', async () => {
    const page = await openTab()
    await page.getByLabel('Channel or pattern').fill('tasks.*')
    await page.getByRole('button', { name: 'Open a stream' }).click()
    await page.getByLabel('Channel or pattern').fill('bad..pattern')
    await page.getByRole('button', { name: 'Open a stream' }).click()
    await page.getByText('is not valid').waitFor()
    await page.getByRole('status', { name: 'State of the stream on tasks.*' }).getByText('Live').waitFor()
    await publish(instance.url, [
      { channel: 'tasks.1', type: 't' },
      { channel: 'other', type: 't' },
      { channel: 'tasks.2', type: 't' },
    ])
    await page.getByText('2 received', { exact: true }).waitFor()
    await screenshot(page, 'dashboard-streams')
    await page.getByRole('button', { name: 'Close all' }).click()
    await page.getByText('No further streams are open').waitFor()
    await page.close()
  }, 60_000)

  test('tells what is wrong with an event that the server refuses', async () => {
    const page = await openTab()
    await page.getByLabel('Channel', { exact: true }).fill('a b')
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByText('Channel "a b" is not valid').waitFor()
    await page.getByLabel('Data').fill('{')
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByText('The data is not JSON').waitFor()
    await page.close()
  }, 60_000)

  test('fits a phone, in the dark', async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    const page = await context.newPage()
    await page.goto(instance.url)
    await row(page, 'order.first').waitFor()
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(360)
    await screenshot(page, 'dashboard-phone-dark')
    await context.close()
  }, 60_000)
})
