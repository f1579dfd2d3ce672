import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../../server/testing/instance.ts'
import { bearer, TOKEN_SECRET, tokenOf } from '../../../server/testing/tokens.ts'
import { until } from '../testing/dashboard.ts'

/** Seconds that a token is valid: the server asks for a renewal after 80 % of them at the earliest. */
const TTL = 5
const RENEWALS = 3

const PUBLISHER = { sub: 'backend', publish: ['orders.>'] }

describeInBrowser('a page that follows with getToken', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let client: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({ DATABASE_URL: database.url, JWT_SECRET: TOKEN_SECRET, RETRY_MS: '100' })
    browser = await launchBrowser()
    const { outputs } = await Bun.build({ entrypoints: [`${import.meta.dir}/shared-stream.ts`], format: 'esm' })
    client = (await outputs[0]?.text()) ?? ''
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const publish = async (n: number) => {
    const response = await fetch(`${instance.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await bearer(PUBLISHER)) },
      body: JSON.stringify({ channel: 'orders.alice.1', type: 'order.paid', data: { n } }),
    })
    expect(response.status).toBe(201)
  }

  /** Follows Alice's orders; what arrives is in `got`, and the states of the stream in `states`. */
  async function follow(page: Page): Promise<void> {
    await page.goto(`${instance.url.replace('127.0.0.1', 'localhost')}/healthz`)
    const script = `${client}
      globalThis.got = []
      globalThis.states = []
      const stream = new SharedStream({ getToken: () => globalThis.takeToken() })
      stream.onState(({ name }) => states.push(name))
      stream.follow({ channels: ['orders.alice.>'], onEvent: ({ data }) => got.push(data.n) })`
    await page.addScriptTag({ content: script, type: 'module' })
    await until(() =>
      page.evaluate(() => (globalThis as unknown as { states?: string[] }).states?.includes('live') ?? false),
    )
  }

  const gotBy = (page: Page) => page.evaluate(() => (globalThis as unknown as { got: number[] }).got)

  test('keeps its stream through renewals, once for all tabs, and receives every event once and in order', async () => {
    const context = await browser.newContext({ bypassCSP: true })
    let taken = 0
    await context.exposeFunction('takeToken', () => {
      taken++
      return tokenOf({ sub: 'alice', jti: String(taken) }, { ttl: TTL })
    })
    let [streams, renewals] = [0, 0]
    context.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (pathname === '/events' && request.resourceType() === 'eventsource') streams++
      if (pathname === '/session' && request.method() === 'POST') renewals++
    })
    const pages = [await context.newPage(), await context.newPage()]
    for (const page of pages) await follow(page)
    let published = 0
    while (renewals <= RENEWALS) await publish(++published)
    // Beyond the end of the token before: the stream is still open by the renewed one.
    const end = Date.now() + TTL * 1000
    while (Date.now() < end && renewals <= RENEWALS + 1) await publish(++published)
    const expected = Array.from({ length: published }, (_, index) => index + 1)
    for (const page of pages) {
      await until(async () => (await gotBy(page)).length >= published)
      expect(await gotBy(page)).toEqual(expected)
    }
    expect([streams, taken]).toEqual([1, renewals])
    await context.close()
  }, 90_000)
})
