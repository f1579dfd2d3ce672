import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { live, openPage, openTab } from './testing/dashboard.ts'
import { UNREACHABLE } from './ui/messages.ts'

describeInBrowser('after the server was unreachable', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let port: string
  let url: string
  const start = () => startProcess({ DATABASE_URL: database.url, PORT: port, DRAIN_MS: '100' })
  beforeAll(async () => {
    database = await createDatabase()
    port = String(await freePort())
    url = `http://localhost:${port}`
    instance = await start()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  test('loads pages without user action when the server is back, including a page whose script failed to load', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    const other = await openTab(await page.context().newPage(), url)
    await instance.end('SIGTERM')
    await other.getByRole('link', { name: 'Event log' }).click()
    await other.getByText(UNREACHABLE).waitFor()
    instance = await start()
    await other.getByRole('region', { name: 'Events' }).waitFor()
    for (const tab of [page, other]) await live(tab)
  }, 60_000)

  test('shows an error for a page whose script does not exist, and does not reload it repeatedly', async () => {
    const context = await browser.newContext()
    await context.route('**/assets/lab-*.js', (route) => route.fulfill({ status: 404 }))
    const page = await context.newPage()
    let loads = 0
    page.on('request', (request) => request.isNavigationRequest() && loads++)
    await page.goto(`${url}/lab`)
    await page.getByText(UNREACHABLE).waitFor()
    await live(page)
    // What it would load again by itself, it has requested before this.
    await page.goto(`${url}/tasks`)
    expect(loads).toBe(2)
  }, 30_000)

  test('reads a list again that failed to load', async () => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ kind: 'demo', description: 'Read late', input: { seconds: 0 } })
    expect((await fetch(`${url}/api/tasks`, { method: 'POST', headers, body })).status).toBe(202)
    const context = await browser.newContext()
    let isAway = true
    for (const address of ['**/api/tasks?*', '**/events?*']) {
      await context.route(address, (route) => (isAway ? route.abort() : route.continue()))
    }
    const page = await context.newPage()
    await page.goto(`${url}/tasks`)
    await page.getByText(UNREACHABLE).waitFor()
    isAway = false
    await page.getByText('Read late').waitFor()
    await live(page)
  }, 30_000)
})
