import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/**
 * Opens a page of the dashboard in a new browser context. Resolves when its stream is live.
 *
 * @param user defaults to `guest`
 */
export async function openPage(
  browser: Browser,
  url: string,
  { path = '/', user = 'guest', ...options }: BrowserContextOptions & { path?: string; user?: string } = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  await context.addInitScript((name) => localStorage.setItem('sse-update user', name), user)
  return openTab(await context.newPage(), url, path)
}

/** Opens a page of the dashboard in a tab. Resolves when its stream is live; a script error fails the test. */
export async function openTab(page: Page, url: string, path = '/'): Promise<Page> {
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(`${url}${path}`)
  await live(page)
  return page
}

/** The element that shows the state of the event stream. */
export const streamState = (page: Page) => page.getByRole('status', { name: 'State of the event stream' })

/** Resolves when the stream of a page is live. */
export const live = (page: Page) => streamState(page).getByText('Live').waitFor()

/** Number of streams that an instance has open, from its metrics. */
export async function streamsOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^sse_update_connections (\d+)/m.exec(text)?.[1])
}

/** Polls a condition every 50 ms. @throws {Error} when it does not hold within 20 s */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 20 s')
    await Bun.sleep(50)
  }
}
