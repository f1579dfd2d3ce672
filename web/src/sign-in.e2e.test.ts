import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser, screenshot } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { bearer, type TestClaims, TOKEN_SECRET, tokenOf } from '../../server/testing/tokens.ts'
import { live, streamState, until } from './testing/dashboard.ts'

const LOOKS = {
  wide: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  'wide-dark': { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
} as const

const OPERATOR: TestClaims = { sub: 'olga', role: 'operator' }

describeInBrowser('a dashboard with access control', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let url: string
  let axe: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({
      DATABASE_URL: database.url,
      JWT_SECRET: TOKEN_SECRET,
      RETRY_MS: '100',
      INSTANCE_NAME: 'web-1',
    })
    url = instance.url.replace('127.0.0.1', 'localhost')
    browser = await launchBrowser()
    axe = await Bun.file(require.resolve('axe-core/axe.min.js')).text()
    for (const customer of ['alice', 'bob', 'alice']) await order(customer)
  }, 60_000)
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  /** An operator creates an order for a customer. */
  async function order(customer: string): Promise<void> {
    const lines = [{ sku: 'A1', name: `Tea for ${customer}`, quantity: 2, unitPrice: 450 }]
    const response = await fetch(`${instance.url}/api/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await bearer(OPERATOR)) },
      body: JSON.stringify({ customer, currency: 'EUR', lines }),
    })
    expect(response.status).toBe(201)
  }

  async function openTab(context: BrowserContext, path = '/'): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', (error) => {
      throw error
    })
    streams.set(page, watchStreams(page))
    await page.goto(`${url}${path}`)
    return page
  }

  /** Requests for streams of each page. */
  const streams = new WeakMap<Page, string[]>()

  /**
   * How often a page has opened the stream of its orders. It opens one without them first, and another one when the page adds
   * its channels.
   */
  const orderStreams = (page: Page) => (streams.get(page) ?? []).filter((address) => address.includes('orders.')).length

  const isSignInPage = (page: Page) => page.getByRole('heading', { name: 'Sign in' }).waitFor()

  async function enter(page: Page, claims: TestClaims, ttl?: number, button = 'Sign in'): Promise<void> {
    await page.getByLabel('Token').fill(await tokenOf(claims, ttl === undefined ? {} : { ttl }))
    await page.getByRole('button', { name: button, exact: true }).click()
  }

  /** A page of a new browser, signed in, with a live stream. */
  async function signedIn(claims: TestClaims, { path = '/', ttl, ...options }: Opening = {}): Promise<Page> {
    const page = await openTab(await browser.newContext(options), path)
    await isSignInPage(page)
    await enter(page, claims, ttl)
    await live(page)
    return page
  }
  type Opening = { path?: string; ttl?: number } & Parameters<Browser['newContext']>[0]

  /** Requests for streams that a page sends from now on. */
  function watchStreams(page: Page): string[] {
    const opened: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('/events?') && request.resourceType() === 'eventsource') opened.push(request.url())
    })
    return opened
  }

  const openSession = (page: Page) => page.getByRole('button', { name: 'Session of' }).click()

  test('asks for a token, keeps it in an HttpOnly cookie alone, and returns to the page of the address', async () => {
    const page = await signedIn({ sub: 'alice' }, { path: '/orders' })
    expect(new URL(page.url()).pathname).toBe('/orders')
    const [cookie, ...others] = await page.context().cookies()
    expect([cookie?.httpOnly, cookie?.sameSite, others.length]).toEqual([true, 'Strict', 0])
    const stored = await page.evaluate(() => [
      document.cookie,
      JSON.stringify(localStorage),
      JSON.stringify(sessionStorage),
    ])
    for (const text of stored) expect(text).not.toContain('eyJ')
    await page.reload()
    await live(page)
  }, 30_000)

  test('explains a token that the server does not accept', async () => {
    const page = await openTab(await browser.newContext())
    await enter(page, { sub: 'alice' }, -3600)
    await page.getByRole('alert').getByText('expired').waitFor()
    await page.getByLabel('Token').fill('no token')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await until(async () => !(await page.getByRole('alert').textContent())?.includes('expired'))
    await isSignInPage(page)
  }, 30_000)

  test('shows users their own orders alone, live, and operators all', async () => {
    const [alice, olga] = [
      await signedIn({ sub: 'alice' }, { path: '/orders' }),
      await signedIn(OPERATOR, { path: '/orders' }),
    ]
    const cards = (page: Page) => page.locator('.board').getByRole('listitem')
    await until(async () => (await cards(alice).count()) >= 2 && (await cards(olga).count()) >= 3)
    const [own, all] = [await cards(alice).count(), await cards(olga).count()]
    await order('bob')
    await order('alice')
    await until(async () => (await cards(alice).count()) === own + 1 && (await cards(olga).count()) === all + 2)
    expect(await alice.locator('.board').textContent()).not.toContain('bob')
    expect(await olga.locator('.board').textContent()).toContain('bob')
  }, 30_000)

  test('shows who the user is, what the session allows and when it ends, and signs out in all tabs', async () => {
    const page = await signedIn({ sub: 'alice', publish: ['chat.{sub}'] })
    const second = await openTab(page.context(), '/tasks')
    await live(second)
    await openSession(page)
    const facts = page.getByRole('dialog')
    for (const text of ['alice', 'user', 'orders.alice.>', 'broadcast', 'chat.alice']) {
      await facts.getByText(text, { exact: true }).first().waitFor()
    }
    const first = await facts.getByTestId('session-end').textContent()
    expect(first).toMatch(/^in (9 min \d+ s|10 min)$/)
    await until(async () => (await facts.getByTestId('session-end').textContent()) !== first)
    await facts.getByRole('button', { name: 'Sign out' }).click()
    await Promise.all([page, second].map(isSignInPage))
    expect(await page.context().cookies()).toEqual([])
  }, 30_000)

  test('pages for operators say so to users', async () => {
    const page = await signedIn({ sub: 'alice' })
    for (const name of ['Cluster', 'Connection lab']) {
      await page.getByRole('navigation').getByRole('link', { name }).click()
      await page.getByText('This page is for operators').waitFor()
    }
    await page.getByRole('link', { name: 'Event log' }).click()
    await page.getByText('The events of the channels that you may read').waitFor()
    await page.getByRole('row').first().waitFor()
    expect(await page.getByRole('table').textContent()).not.toContain('bob')
    await page.getByLabel('Channel pattern').fill('orders.bob.>')
    await page.getByRole('button', { name: 'Apply filter' }).click()
    await page.getByRole('alert').getByText('orders.bob.>').waitFor()
    await live(page)
  }, 30_000)

  test('warns before the session ends, and a renewal continues the stream on the same connection', async () => {
    const page = await signedIn({ sub: 'alice' }, { path: '/orders', ttl: 60 })
    const orders = () => page.locator('.board').getByRole('listitem').count()
    const orderArrives = async () => {
      await page.locator('.board').getByRole('listitem').first().waitFor()
      const count = await orders()
      await order('alice')
      await until(async () => (await orders()) > count)
    }
    await orderArrives()
    await page.getByText('Your session ends soon.').waitFor()
    await page.getByRole('button', { name: 'Renew', exact: true }).click()
    await enter(page, { sub: 'alice' }, 3600, 'Renew session')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('Your session ends soon.').waitFor({ state: 'detached' })
    await orderArrives()
    expect(orderStreams(page)).toBe(1)
  }, 30_000)

  test('a session that ends leads to the sign-in, without a loop, and then back to the page', async () => {
    const page = await signedIn({ sub: 'alice' }, { path: '/orders', ttl: 4 })
    await isSignInPage(page)
    await page.getByRole('alert').getByText('has ended').waitFor()
    // The stream, and one attempt that is refused.
    expect(orderStreams(page)).toBeLessThanOrEqual(2)
    await enter(page, { sub: 'alice' })
    await live(page)
    expect(new URL(page.url()).pathname).toBe('/orders')
    await page.locator('.board').getByRole('listitem').first().waitFor()
  }, 30_000)

  test('a user who signs in after another sees nothing of the other', async () => {
    const page = await signedIn({ sub: 'alice' }, { path: '/orders', ttl: 4 })
    await isSignInPage(page)
    await enter(page, { sub: 'bob' })
    await live(page)
    await page.locator('.board').getByText('bob').first().waitFor()
    expect(await page.locator('.board').textContent()).not.toContain('alice')
    await order('alice')
    await order('bob')
    await until(async () => (await page.locator('.board').getByRole('listitem').count()) >= 2)
    expect(await page.locator('.board').textContent()).not.toContain('alice')
    expect(await streamState(page).textContent()).toBe('Live')
  }, 30_000)

  for (const [look, options] of Object.entries(LOOKS)) {
    test(`has no serious axe finding and no horizontal overflow: ${look}`, async () => {
      const check = async (page: Page, name: string) => {
        await screenshot(page, `access-${look}-${name}`)
        await page.evaluate(axe)
        const { violations } = (await page.evaluate('axe.run()')) as {
          violations: { id: string; impact: string; nodes: { html: string }[] }[]
        }
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 160))])
        expect(found, name).toEqual([])
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        expect(content, name).toBeLessThanOrEqual(Number(window))
      }
      const context = await browser.newContext({ bypassCSP: true, ...options })
      const page = await openTab(context)
      await isSignInPage(page)
      await check(page, 'sign-in')
      await enter(page, { sub: 'alice', publish: ['chat.{sub}.>'] }, 100)
      await live(page)
      await page.getByText('Your session ends soon.').waitFor()
      await check(page, 'overview')
      await page.getByRole('link', { name: 'Cluster' }).click()
      await page.getByText('This page is for operators').waitFor()
      await check(page, 'cluster')
      await openSession(page)
      await page.getByRole('dialog').getByText('chat.alice.>').waitFor()
      await check(page, 'session')
    }, 60_000)
  }
})
