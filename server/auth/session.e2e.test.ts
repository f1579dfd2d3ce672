// A session in a real browser: its cookie, its own EventSource, and what that does when it is refused.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import type { Runtime } from '../runtime.ts'
import { describeInBrowser, launchBrowser } from '../testing/browser.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { publish } from '../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET, tokenOf } from '../testing/tokens.ts'

/** What the page keeps of its EventSource. */
interface Watched {
  source: EventSource
  seen: string[]
}

describeInBrowser('in a browser', () => {
  let database: TestDatabase
  let instance: Runtime & AsyncDisposable
  let browser: Browser
  let page: Page
  /** Requests for the stream. */
  let requests = 0

  beforeAll(async () => {
    database = await createDatabase()
    instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
    browser = await launchBrowser()
    page = await browser.newPage()
    page.on('request', (request) => {
      if (request.url().includes('/events')) requests++
    })
    // A page of the server's origin with nothing in it; policies of the server's own pages are tested elsewhere.
    await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '' }))
    await page.goto(`${instance.url}/blank`)
  })
  afterAll(async () => {
    await browser.close()
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  /** `/session` by `fetch` of the page. @returns the status */
  const session = (method: string, token?: string) =>
    page.evaluate(
      async ([method, token]) => {
        const headers: HeadersInit = token ? { authorization: `Bearer ${token}` } : {}
        return (await fetch('/session', { method: method as string, headers })).status
      },
      [method, token],
    )

  const open = () =>
    page.evaluate(() => {
      const source = new EventSource('/events?channel=orders.alice.>')
      const watched: Watched = { source, seen: [] }
      for (const type of ['ready', 'order.paid', 'closing', 'error']) {
        source.addEventListener(type, () => watched.seen.push(type))
      }
      Object.assign(globalThis, { watched })
    })

  const seen = (type: string, count = 1) =>
    page.waitForFunction(
      ([type, count]) =>
        (globalThis as unknown as { watched: Watched }).watched.seen.filter((each) => each === type).length >=
        (count as number),
      [type, count] as const,
    )

  const isClosed = () =>
    page.waitForFunction(() => (globalThis as unknown as { watched: Watched }).watched.source.readyState === 2)

  test('a stream without a session is refused, and not tried again', async () => {
    requests = 0
    await open()
    await isClosed()
    expect(requests).toBe(1)
  })

  test('a session opens a stream, which a renewal keeps and its end closes for good', async () => {
    requests = 0
    expect(await session('POST', await tokenOf({ sub: 'alice' }))).toBe(200)
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await open()
    await seen('ready')
    expect(await session('POST', await tokenOf({ sub: 'alice' }))).toBe(200)
    await publish(instance.url, [{ channel: 'orders.alice.1', type: 'order.paid' }], {
      ...(await bearer({ sub: 'root', role: 'operator' })),
    })
    await seen('order.paid')
    expect(requests).toBe(1)

    expect(await session('DELETE')).toBe(204)
    await seen('closing')
    // It reconnects once, without a cookie, and is refused.
    await isClosed()
    expect(requests).toBe(2)
    expect(await session('GET')).toBe(401)
  })
})
