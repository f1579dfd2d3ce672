import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type FaultProxy, startFaultProxy } from '../../server/testing/fault-proxy.ts'
import { startInstance } from '../../server/testing/instance.ts'
import { freePort } from '../../server/testing/ports.ts'
import { openStream } from '../../server/testing/stream-reader.ts'
import { until } from '../../server/testing/until.ts'
import { serveRecipes } from './serve.ts'

// Each page as it is, with the real library, in Chromium: browser → fault proxy → serve.ts → sse-update.

interface Recipe {
  path: string
  channel: string
  type: string
  contentType: string
  /** What the application publishes for an item. */
  body: (id: string, text: string) => string
}

const li = (id: string, text: string) => `<li id="${id}">\n  ${text}</li>`
const RECIPES: readonly Recipe[] = [
  { path: '/htmx.html', channel: 'recipes.html', type: 'message', contentType: 'text/html', body: li },
  { path: '/htmx-4.html', channel: 'recipes.html', type: 'message', contentType: 'text/html', body: li },
  {
    path: '/turbo.html',
    channel: 'recipes.turbo',
    type: 'message',
    contentType: 'text/vnd.turbo-stream.html',
    body: (id, text) =>
      `<turbo-stream action="append" target="items"><template>${li(id, text)}</template></turbo-stream>`,
  },
  {
    path: '/datastar.html',
    channel: 'recipes.datastar',
    type: 'datastar-merge-fragments',
    contentType: 'text/plain',
    body: (id, text) => `selector #items\nmergeMode append\nfragments ${li(id, text).replace('\n', '')}`,
  },
  {
    path: '/event-source.html',
    channel: 'recipes.json',
    type: 'item.added',
    contentType: 'application/json',
    body: (id, text) => JSON.stringify({ id, text }),
  },
]

const isStream = (url: URL) => url.pathname === '/events' && url.searchParams.has('lastEventId')
/** Keeps the ids of all items that are ever put into a page: an item that comes again takes the place of the one that is there. */
const COUNT = `globalThis.added = []
new MutationObserver((records) => {
  for (const { addedNodes, target } of records)
    if (target.id === 'items') for (const { id } of addedNodes) if (id) added.push(id)
}).observe(document, { childList: true, subtree: true })`
const added = (page: Page) => page.evaluate(() => (globalThis as never as { added: string[] }).added)

const withCursor = (address: string, cursor: string) => {
  const url = new URL(address)
  url.searchParams.set('lastEventId', cursor)
  return url.href
}
const withoutSpace = (text: string) => text.replace(/[\s,]+/g, '')
/** Datastar passes on no events but its own: its page can't know of a gap. */
const SHOWS_GAPS = RECIPES.filter(({ path }) => path !== '/datastar.html')

describeInBrowser('the recipe', () => {
  let database: TestDatabase
  let instance: Awaited<ReturnType<typeof startInstance>>
  /** Heartbeats all the time: no library may show them. */
  const settings = { HEARTBEAT_MS: '100', RETRY_MS: '50', PORT: '' }
  let pages: ReturnType<typeof serveRecipes>
  let proxy: FaultProxy
  let browser: Browser
  beforeAll(async () => {
    database = await createDatabase()
    settings.PORT = String(await freePort())
    instance = await startInstance(database.url, settings)
    pages = serveRecipes(instance.url, 0)
    proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(pages.port) })
    browser = await launchBrowser()
  }, 60_000)
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await proxy[Symbol.asyncDispose]()
    await pages.stop(true)
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  describe.each(RECIPES)('$path', ({ path, channel, type, contentType, body }) => {
    let count = 0
    /** What the page has to show: all items that were published, in order. */
    let wanted: string[] = []
    beforeAll(async () => {
      await database.sql`select sse.publish('recipes.other', 'message', '"of another channel"')`
      const page = await fetch(`${instance.url}/events?channel=${channel}&limit=1000`, {
        headers: { accept: 'application/json' },
      })
      wanted = ((await page.json()) as { events: { data: string }[] }).events.map(
        ({ data }) => /item [\w.-]+/.exec(data)?.[0] ?? '',
      )
    })

    const add = async () => {
      const id = `${path.slice(1)}-${++count}`
      const text = `item ${id}`
      const query = new URLSearchParams({ channel, type })
      const response = await fetch(`${instance.url}/events?${query}`, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: body(id, text),
      })
      expect(response.status).toBe(201)
      wanted.push(text)
    }
    const shown = (page: Page) =>
      page.evaluate(() => [...document.querySelectorAll('#items > *')].map((item) => item.textContent?.trim() ?? ''))
    const untilShown = (page: Page) =>
      until(
        `${path} shows ${JSON.stringify(wanted)}`,
        () => shown(page).catch(() => []),
        (items) => items.join() === wanted.join(),
        20_000,
      )
    const open = async () => {
      const page = await (await browser.newContext()).newPage()
      await page.addInitScript(COUNT)
      page.on('pageerror', (error) => console.error(path, error))
      return page
    }
    const go = (page: Page) => page.goto(`http://127.0.0.1:${proxy.port}${path}`)

    test('shows every item once and in order, through connections that are cut', async () => {
      for (let item = 0; item < 3; item++) await add()
      const page = await open()
      await go(page)
      await untilShown(page)
      await add()
      await untilShown(page)
      for (let round = 0; round < 3; round++) {
        await proxy.refuse()
        await add()
        await add()
        await proxy.accept()
        await add()
        await untilShown(page)
      }
      expect((await added(page)).map((id) => `item ${id}`)).toEqual(wanted)
      // A stream that is quiet for less long than the page's has had heartbeats: the page shows nothing of its own.
      await using quiet = await openStream(instance.url, [channel])
      await quiet.until(({ frames }) => frames.filter(({ event }) => event === 'heartbeat').length > 1)
      const texts = await page.locator('body > :not(script)').allTextContents()
      expect(withoutSpace(texts.join())).toBe(withoutSpace(['Items', ...wanted].join()))
    }, 60_000)

    test('goes on where it was after an error status, at which EventSource gives up', async () => {
      await add()
      const page = await open()
      await go(page)
      await add()
      await untilShown(page)
      const refused = Promise.withResolvers<void>()
      await page.route(
        isStream,
        async (route) => {
          await route.fulfill({ status: 502, body: 'Bad Gateway' })
          refused.resolve()
        },
        { times: 1 },
      )
      proxy.cut()
      await refused.promise
      await add()
      await add()
      await untilShown(page)
      expect((await added(page)).map((id) => `item ${id}`)).toEqual(wanted)
    }, 60_000)

    test('goes on where it was after the server has ended the stream and was started again', async () => {
      await add()
      const page = await open()
      await go(page)
      await add()
      await untilShown(page)
      await instance.stop()
      instance = await startInstance(database.url, settings)
      await add()
      await add()
      await untilShown(page)
      expect((await added(page)).map((id) => `item ${id}`)).toEqual(wanted)
    }, 60_000)

    test('shows items once that are in its state and come again from the stream', async () => {
      await add()
      const page = await open()
      await page.route(isStream, (route) => route.continue({ url: withCursor(route.request().url(), 'earliest') }), {
        times: 1,
      })
      await go(page)
      await add()
      await untilShown(page)
    }, 60_000)

    test.if(SHOWS_GAPS.some((recipe) => recipe.path === path))(
      'loads its state again when the server says that events may be missing',
      async () => {
        await add()
        const page = await open()
        let loads = 0
        page.on('load', () => loads++)
        await page.route(
          isStream,
          (route) => route.continue({ url: withCursor(route.request().url(), 'of-another-log') }),
          { times: 1 },
        )
        await go(page)
        await until(`${path} is loaded again`, () => loads === 2)
        await add()
        await untilShown(page)
        expect(loads).toBe(2)
      },
      60_000,
    )
  })
})
