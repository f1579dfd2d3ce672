import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { openPage, until } from './testing/dashboard.ts'

const STREAMS = 200
const EVENTS = 50

describeInBrowser('the lab', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let port: string
  const start = () =>
    startProcess({
      DATABASE_URL: database.url,
      PORT: port,
      RETRY_MS: '100',
      DRAIN_MS: '300',
      HEARTBEAT_MS: '1000',
      LAB: 'on',
    })
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

  const number = async (page: Page, name: string) =>
    Number((await page.getByTestId(name).textContent())?.replaceAll(',', ''))
  const burst = async (page: Page) => {
    await page.getByLabel('Events').fill(String(EVENTS))
    await page.getByRole('button', { name: 'Publish' }).click()
  }

  test('ends with a clean ledger on 200 streams, after every fault and a restart of the server', async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/lab' })
    await page.getByLabel('How many').fill(String(STREAMS))
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText(`${STREAMS} live`).waitFor()
    expect(await page.getByTestId('verdict').getAttribute('data-state')).toBe('none')
    expect(await page.getByTestId('latency').textContent()).toBe('p50 – · p99 –')
    let published = 0
    const settled = async () => {
      published += EVENTS
      await until(async () => (await number(page, 'delivered')) === published * STREAMS)
    }
    await burst(page)
    await settled()
    for (const fault of ['Drop all', 'Reconnect all at once', "Kill the listener's connection", 'End all streams']) {
      await page.getByRole('button', { name: fault }).click()
      await burst(page)
      await settled()
    }
    for (const fault of ['Stop reading', 'Go offline']) {
      const button = page.getByRole('button', { name: fault })
      await button.click()
      expect(await button.getAttribute('aria-pressed')).toBe('true')
      await burst(page)
      await page.getByText('are durable').waitFor()
      await button.click()
      await settled()
    }
    await instance.end('SIGTERM')
    await burst(page)
    instance = await start()
    await settled()
    await page.getByText(`${STREAMS} live`).waitFor()
    for (const name of ['missing', 'duplicated', 'reordered', 'outstanding']) expect(await number(page, name)).toBe(0)
    expect(await page.getByTestId('verdict').textContent()).toBe('clean')
  }, 120_000)

  test('keeps what was chosen and typed when the instances are read again', async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/lab' })
    const instances = page.getByLabel('Instance')
    await page.getByLabel('How many').fill('7')
    await until(async () => (await instances.locator('option').count()) === 2)
    await instances.selectOption({ index: 1 })
    const chosen = await instances.inputValue()
    for (let times = 0; times < 2; times++) await page.waitForResponse(/api\/cluster/)
    await page.evaluate(() => new Promise(requestAnimationFrame))
    expect([await page.getByLabel('How many').inputValue(), await instances.inputValue()]).toEqual(['7', chosen])
  }, 60_000)

  test('says why channels are refused, and opens no stream', async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/lab' })
    await page.getByLabel('Channels').fill('a..b')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText('Channel pattern "a..b" is not valid').waitFor()
    expect(await page.getByText(/[1-9]\d* live/).count()).toBe(0)
  }, 60_000)

  test('does not show streams of a frozen server as live, and delivers everything when it resumes', async () => {
    const page = await openPage(browser, `http://localhost:${port}`, { path: '/lab' })
    await page.getByLabel('How many').fill('5')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText('5 live').waitFor()
    process.kill(instance.pid, 'SIGSTOP')
    await page.getByText('5 live').waitFor({ state: 'detached' })
    process.kill(instance.pid, 'SIGCONT')
    await page.getByText('5 live').waitFor()
    await burst(page)
    await until(async () => (await number(page, 'delivered')) === 5 * EVENTS)
    expect(await page.getByTestId('verdict').textContent()).toBe('clean')
  }, 60_000)
})
