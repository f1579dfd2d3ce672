// WebSockets of a real browser: what it sends by itself, and what pages of other origins get.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { closeCodeOf } from '../../protocol/close-codes.ts'
import type { Runtime } from '../../runtime.ts'
import { describeInBrowser, launchBrowser } from '../../testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { publish } from '../../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'

describeInBrowser('in a browser', () => {
  let database: TestDatabase
  let instance: Runtime & AsyncDisposable
  let browser: Browser
  const foreign = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
  })

  beforeAll(async () => {
    database = await createDatabase()
    instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await foreign.stop(true)
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  /** A page with the cookie of a session. */
  const openPage = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${instance.url}/`)
    const token = await tokenOf({ sub: 'alice', subscribe: ['alice.>'] })
    await page.evaluate(
      async (token) =>
        void (await fetch('/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } })),
      token,
    )
    return page
  }

  /** Opens a WebSocket in a page, which keeps what it gets; resolves with the name of the first event, or the code of the close. */
  const connect = (page: Page) =>
    page.evaluate(
      (url) =>
        new Promise<string | number>((resolve) => {
          const socket = new WebSocket(`${url}/events?channel=alice.x`, 'sse-update.v1')
          const seen: string[] = []
          Object.assign(globalThis, { socket, seen })
          socket.onmessage = ({ data }) => {
            for (const message of [JSON.parse(data)].flat()) seen.push(message.event)
            resolve(seen[0] as string)
          }
          socket.onclose = ({ code }) => {
            seen.push(String(code))
            resolve(code)
          }
        }),
      instance.url.replace('http', 'ws'),
    )

  const seen = (page: Page, event: string) =>
    page.waitForFunction((wanted) => (globalThis as unknown as { seen: string[] }).seen.includes(wanted), event)

  test('a page of the server gets its stream by its cookie, and under the content security policy', async () => {
    const page = await openPage()
    expect(await connect(page)).toBe('ready')
    await publish(instance.url, [{ channel: 'alice.x', type: 'news' }], await bearer({ sub: 'root', publish: ['>'] }))
    await seen(page, 'news')
    await page.evaluate(() => (globalThis as unknown as { socket: WebSocket }).socket.send('{"subscribe":["alice.y"]}'))
    await seen(page, 'subscribed')
    await page.evaluate(() => fetch('/session', { method: 'DELETE' }))
    await seen(page, String(closeCodeOf('revoked')))
  })

  test('a page of another origin gets none, although the browser has the cookie', async () => {
    const page = await openPage()
    await page.goto(`http://127.0.0.1:${foreign.port}/`)
    // What a browser tells a page of any refusal (RFC 6455, section 7.1.5).
    expect(await connect(page)).toBe(1006)
  })
})
