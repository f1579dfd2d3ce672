// What the browser's own EventSource does when no stream is opened for it.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { SECOND } from '../../platform/time.ts'
import { describeInBrowser, launchBrowser } from '../../testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { REFUSALS, RETRY, type Refusal, type Refusals, startRefusals } from '../../testing/refusals.ts'

/** Milliseconds for which each stream is watched. */
const WINDOW = 6 * SECOND

/** Reasons for which it comes back, when the time that `closing` named has passed: here the least time. */
const COMES_BACK: Partial<Record<Refusal, number>> = { limit: 3 * RETRY, full: 3 * RETRY, drain: RETRY }

describeInBrowser('the EventSource of a browser', () => {
  let database: TestDatabase
  let refusals: Refusals
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    database = await createDatabase()
    refusals = await startRefusals(database.url)
    browser = await launchBrowser()
    page = await browser.newPage()
    await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '' }))
  })
  afterAll(async () => {
    await browser.close()
    await refusals[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  test('gives up after one request that is refused, and keeps the time of closing', async () => {
    const streams = await Promise.all(REFUSALS.map((refusal) => refusals.refuse(refusal)))
    const urls = streams.map(({ url }) => url)
    await page.goto(new URL('/blank', urls[0]).href)
    const states = await page.evaluate(
      async ([urls, ms]) => {
        const sources = urls.map((url) => new EventSource(url))
        await new Promise((resolve) => setTimeout(resolve, ms))
        return sources.map(({ readyState }) => readyState === EventSource.CLOSED)
      },
      [urls, WINDOW] as const,
    )
    for (const [index, refusal] of REFUSALS.entries()) {
      const wait = COMES_BACK[refusal]
      const requests = streams[index]?.attempts.length ?? 0
      expect([refusal, states[index]]).toEqual([refusal, wait === undefined])
      if (wait === undefined) expect([refusal, requests]).toEqual([refusal, 1])
      else expect([refusal, requests > 1 && requests <= 1 + WINDOW / wait]).toEqual([refusal, true])
    }
  })
})
