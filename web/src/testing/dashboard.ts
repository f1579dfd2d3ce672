import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** A tab on a page of the dashboard, as somebody; resolves when its stream is live. */
export async function openPage(
  browser: Browser,
  url: string,
  { path = '/', user = 'guest', ...options }: BrowserContextOptions & { path?: string; user?: string } = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  await context.addInitScript((name) => localStorage.setItem('sse-update user', name), user)
  return openTab(await context.newPage(), url, path)
}

/** Goes to a page of the dashboard; an error of its script fails the test. */
export async function openTab(page: Page, url: string, path = '/'): Promise<Page> {
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(`${url}${path}`)
  await live(page)
  return page
}

export const streamState = (page: Page) => page.getByRole('status', { name: 'State of the event stream' })

export const live = (page: Page) => streamState(page).getByText('Live').waitFor()

/** Streams that an instance has open, from its metrics. */
export async function streamsOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^sse_update_connections (\d+)/m.exec(text)?.[1])
}

/** Asks until it holds. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await Bun.sleep(50)
  }
}
