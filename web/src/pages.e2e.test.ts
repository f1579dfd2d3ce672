import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { createRandom } from '../../server/platform/random.ts'
import { Demo } from '../../server/shop/demo/demo.ts'
import { describeInBrowser, launchBrowser, screenshot } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { openPage } from './testing/dashboard.ts'

const PAGES = ['/', '/tasks', '/orders', '/notifications', '/lab', '/compare', '/log', '/cluster']
const LOOKS = {
  wide: { viewport: { width: 1280, height: 820 }, colorScheme: 'light' },
  'wide-dark': { viewport: { width: 1280, height: 820 }, colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
} as const

const isInView = (element: Element) => {
  const { left, right } = element.getBoundingClientRect()
  return left >= 0 && right <= window.innerWidth
}

/** Classes of the elements of a wide page whose content is wider than they are: boards and tables. */
const clippedElements = () =>
  [...document.querySelectorAll('.board, .log-rows, .table-scroll')]
    .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    .map(({ className }) => className)

describeInBrowser('every page', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let axe: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({ DATABASE_URL: database.url, LAB: 'on', INSTANCE_NAME: 'web-1' })
    const shop = new Demo({ url: instance.url, random: createRandom(3), keep: 80 })
    await shop.open(50)
    for (let count = 0; count < 60; count++) await shop.act()
    browser = await launchBrowser()
    axe = await Bun.file(require.resolve('axe-core/axe.min.js')).text()
  }, 30_000)
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  for (const [look, options] of Object.entries(LOOKS)) {
    test.each(PAGES)(
      `%s has no serious axe finding and no horizontal overflow: ${look}`,
      async (path) => {
        const url = instance.url.replace('127.0.0.1', 'localhost')
        // The content security policy would block axe.
        const page = await openPage(browser, url, { path, user: 'alice', bypassCSP: true, ...options })
        if (path === '/lab') {
          await page.getByRole('button', { name: 'Open', exact: true }).click()
          await page.getByText('50 live').waitFor()
          await page.getByRole('button', { name: 'Publish' }).click()
          await page.getByText('are durable').waitFor()
          await page.getByTestId('verdict').getByText('clean').waitFor()
        } else if (path === '/compare') {
          await page.getByRole('button', { name: 'Start' }).click()
          await page.getByRole('button', { name: 'Burst' }).click()
          await page.locator('.compare-headline').getByText('every lane has every event').waitFor()
          for (const details of await page.locator('main summary').all()) await details.click()
        } else if (path !== '/') await page.locator('main .skeleton').waitFor({ state: 'detached' })
        const rows = { '/lab': 'row', '/log': 'row', '/orders': 'listitem' }[path] as 'row' | 'listitem' | undefined
        for (const link of await page.locator('nav a').all()) expect(await link.evaluate(isInView)).toBe(true)
        if (rows) expect(await page.locator('main').getByRole(rows).count()).toBeGreaterThan(5)
        await screenshot(page, `${look}${path === '/' ? '-overview' : path.replace('/', '-')}`)
        await page.evaluate(axe)
        const results = (await page.evaluate('axe.run()')) as {
          violations: { id: string; impact: string; nodes: { html: string }[] }[]
        }
        const serious = results.violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))])
        expect(serious).toEqual([])
        const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
        expect(width[0]).toBeLessThanOrEqual(Number(width[1]))
        if (options.viewport.width >= 1280) expect(await page.evaluate(clippedElements)).toEqual([])
        await page.context().close()
      },
      30_000,
    )
  }
})
