import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser, screenshot } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { type TestClaims, TOKEN_SECRET, tokenOf } from '../../server/testing/tokens.ts'
import { openPage, openTab, until } from './testing/dashboard.ts'

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
    await expectComplete(page, /^All [\d,]+ events, once and in order\./)
    await screenshot(page, 'compare-burst')

    await page.getByRole('button', { name: 'Cut the network' }).click()
    await page
      .getByText(/Cut off: \d+ events wait/)
      .first()
      .waitFor()
    expect(await page.getByTestId('lane-state').allTextContents()).toEqual(LANES.map(() => 'cut off'))
    await headline(page, 'Network cut for 5 s: every lane has every event, once and in order.').waitFor()
    await expectComplete(page, /^All [\d,]+ events, once and in order\. Caught up .* after the network was back\.$/)
    await screenshot(page, 'compare-cut')

    await page.getByRole('button', { name: 'End all connections' }).click()
    await headline(page, 'All connections ended by the server: every lane has every event').waitFor()
    await expectComplete(page, /^All [\d,]+ events, once and in order\. The slowest was/)

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

  test('judges what the lanes did while the tab was hidden', async () => {
    const page = await started()
    const setHidden = (state: DocumentVisibilityState) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value })
        document.dispatchEvent(new Event('visibilitychange'))
      }, state)
    await page.getByRole('button', { name: 'Hide the tab' }).click()
    await page.getByRole('dialog').getByText('switch to another tab').waitFor()
    await page.keyboard.press('Escape')
    await setHidden('hidden')
    await headline(page, 'Tab hidden …').waitFor()
    await page
      .getByText(/\d+ events? to come/)
      .first()
      .waitFor()
    await setHidden('visible')
    await headline(page, 'Tab hidden: every lane has every event, once and in order.').waitFor()
    await expectComplete(page, /late while nobody looked\.$/)
    await page.context().close()
  }, 60_000)

  test('says that the server is unreachable, starts when it is back, and warns of a second tab', async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/compare' })
    await instance.end('SIGTERM')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('alert').getByText('The server is unreachable').waitFor()
    instance = await start()
    await page.getByRole('button', { name: 'Start' }).click()
    await until(async () => (await page.getByTestId('lane-state').allTextContents()).every((text) => text === 'live'))

    const other = await openTab(await page.context().newPage(), `http://localhost:${port}`, '/compare')
    await other.getByRole('button', { name: 'Start' }).click()
    await other.getByRole('alert').getByText('Another tab compares, too').waitFor()
    // The keyboard's focus goes to the button that takes the place of the one that was pressed.
    const focused = () => other.evaluate(() => document.activeElement?.textContent)
    expect(await focused()).toBe('Burst of 500')
    await other.getByRole('button', { name: 'Stop' }).press('Enter')
    await other.getByRole('button', { name: 'Start' }).waitFor()
    expect(await focused()).toBe('Start')
    await page.context().close()
  }, 60_000)

  test('counts in the browser what polling receives, and how it compares with streams', async () => {
    const page = await started()
    await page.getByRole('button', { name: 'Burst of 500' }).click()
    await headline(page, 'Burst: every lane has every event').waitFor()
    const figure = async (lane: string, name: string) => {
      const place = page.locator(`[data-lane="${lane}"] dl > div`).filter({ hasText: name }).locator('dd')
      return Number((await place.textContent())?.replace(/[^\d.]/g, ''))
    }
    for (const lane of LANES) {
      // An event of this page is 100 bytes at least, whatever carries it.
      expect([lane, (await figure(lane, 'Per event')) > 100]).toEqual([lane, true])
      expect([lane, (await figure(lane, 'Events')) >= 500]).toEqual([lane, true])
    }
    expect(await figure('sse', 'Requests')).toBe(1)
    expect(await figure('websocket', 'Requests')).toBe(1)
    expect(await figure('long-poll', 'Requests')).toBeGreaterThan(await figure('poll', 'Requests'))
    expect(await figure('poll', 'Connection used')).toBeLessThan(await figure('sse', 'Connection used'))
    await page.context().close()
  }, 60_000)
})

describeInBrowser('the page Compare with access control', () => {
  test('names the grant that it needs, and works with it', async () => {
    await using database = await createDatabase()
    const instance = await startProcess({ DATABASE_URL: database.url, JWT_SECRET: TOKEN_SECRET })
    const browser = await launchBrowser()
    const page = await browser.newPage()
    await page.goto(`${instance.url.replace('127.0.0.1', 'localhost')}/compare`)
    const enter = async (claims: TestClaims) => {
      await page.getByLabel('Token').fill(await tokenOf(claims))
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    }
    await enter({ sub: 'alice' })
    await page.getByText('whose claims subscribe and publish cover compare.>').waitFor()
    expect(await page.getByRole('button', { name: 'Start' }).count()).toBe(0)
    await page.context().clearCookies()
    await page.reload()
    await enter({ sub: 'bob', subscribe: ['compare.>'], publish: ['compare.>'] })
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByRole('button', { name: 'Burst of 500' }).click()
    await page.locator('.compare-headline').getByText('Burst: every lane has every event').waitFor()
    expect(await page.getByRole('button', { name: 'End all connections' }).isDisabled()).toBe(true)
    await browser.close()
    await instance.end('SIGTERM')
  }, 60_000)
})
