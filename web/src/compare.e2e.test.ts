import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser, screenshot } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { openPage, until } from './testing/dashboard.ts'

const LANES = ['sse', 'websocket', 'long-poll', 'poll']

describeInBrowser('the page Compare', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let port: string
  const start = () =>
    startProcess({ DATABASE_URL: database.url, PORT: port, RETRY_MS: '100', DRAIN_MS: '300', LAB: 'on' })
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

  const started = async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/compare' })
    await page.getByRole('button', { name: 'Start' }).click()
    await until(async () => (await page.getByTestId('lane-state').allTextContents()).every((text) => text === 'live'))
    return page
  }
  const headline = (page: Page, text: string | RegExp) => page.locator('.compare-headline').getByText(text)
  const verdicts = (page: Page) => page.getByTestId('lane-verdict').allTextContents()
  /** Every lane says how many events it has, and that they are complete. */
  const expectComplete = async (page: Page, words: RegExp) => {
    const texts = await verdicts(page)
    expect(texts).toHaveLength(LANES.length)
    for (const text of texts) expect(text).toMatch(words)
  }

  test('ends with complete lanes after a burst, a cut network, ended connections and a restart of the server', async () => {
    const page = await started()
    await page.getByRole('button', { name: 'Burst of 500' }).click()
    await headline(page, 'Burst: every lane has every event, once and in order.').waitFor()
    await expectComplete(page, /^All 5\d\d events, once and in order\./)
    await screenshot(page, 'compare-burst')

    await page.getByRole('button', { name: 'Cut the network' }).click()
    await page
      .getByText(/Cut off: \d+ events wait/)
      .first()
      .waitFor()
    expect(await page.getByTestId('lane-state').allTextContents()).toEqual(LANES.map(() => 'cut off'))
    await headline(page, 'Network cut for 5 s: every lane has every event, once and in order.').waitFor()
    await expectComplete(page, /^All \d\d events, once and in order\. Caught up .* after the network was back\.$/)
    await screenshot(page, 'compare-cut')

    await page.getByRole('button', { name: 'End all connections' }).click()
    await headline(page, 'All connections ended by the server: every lane has every event').waitFor()
    await expectComplete(page, /^All \d\d events, once and in order\. The slowest was/)

    await instance.end('SIGTERM')
    await headline(page, 'Server unreachable …').waitFor()
    instance = await start()
    await headline(page, 'Server unreachable: every lane has every event').waitFor()
    await expectComplete(page, /^All [\d,]+ events, once and in order\. Caught up .* after the server was back\.$/)

    // What polling has cost was measured, and it is more than what streams have.
    const runs = await page.getByTestId('run').allTextContents()
    expect(runs.map((text) => /recovered in/.test(text))).toEqual(LANES.map(() => true))
    await page.context().close()
  }, 120_000)
})
