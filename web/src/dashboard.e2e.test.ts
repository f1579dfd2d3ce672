import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { publish } from '../../server/testing/stream-reader.ts'
import { live, openPage, openTab, streamState, streamsOf, until } from './testing/dashboard.ts'
import { UNREACHABLE } from './ui/messages.ts'

describeInBrowser('the dashboard', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let url: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({ DATABASE_URL: database.url, RETRY_MS: '100', ALLOWED_HOSTS: 'example.test' })
    url = instance.url.replace('127.0.0.1', 'localhost')
    browser = await launchBrowser(['--host-resolver-rules=MAP example.test 127.0.0.1'])
  })
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const latest = (page: Page, type: string) => page.locator('.latest .tag', { hasText: new RegExp(`^${type}$`) })
  const say = (type: string) => publish(instance.url, [{ channel: 'test.page', type }])
  const post = async (path: string, body: object, user = 'guest') => {
    const response = await fetch(`${instance.url}/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': user },
      body: JSON.stringify(body),
    })
    expect(response.ok).toBe(true)
    return response.json()
  }
  const newOrder = () =>
    post('orders', {
      customer: 'alice',
      currency: 'EUR',
      lines: [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }],
    })

  test('shows the progress of a report in two browsers, and its files', async () => {
    await database.sql`
      insert into sse.orders (customer, currency, lines, total)
      select 'c' || i % 100, 'EUR', jsonb_build_array(jsonb_build_object('sku', 'S' || i % 9, 'name', 'x', 'quantity', 1, 'unitPrice', 5)), 5
      from generate_series(1, 60000) i`
    const pages = await Promise.all(['bob', 'eve'].map((user) => openPage(browser, url, { path: '/tasks', user })))
    const [bob, eve] = pages as [Page, Page]
    await bob.getByRole('button', { name: 'Start report' }).click()
    for (const page of [bob, eve]) {
      const bar = page.getByRole('progressbar').first()
      const seen = new Set<string | null>()
      await until(async () => {
        seen.add(await bar.getAttribute('aria-valuenow'))
        return seen.has('100') || seen.size > 3
      })
      await page.getByText('report.csv').waitFor()
      expect(await bar.getAttribute('aria-valuenow')).toBe('100')
    }
    await eve.getByRole('button', { name: 'Timeline' }).first().click()
    const dialog = eve.getByRole('dialog')
    for (const step of ['queued', 'running', 'succeeded']) await dialog.getByText(step, { exact: true }).waitFor()
  }, 60_000)

  test('keeps the focus on a task when the button that was pressed disappears', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    const task = (await post('tasks', { kind: 'demo', input: { seconds: 60 } })) as { id: number }
    const row = page.getByRole('listitem', { name: `Task ${task.id}:` })
    await row.getByRole('button', { name: 'Cancel' }).press('Enter')
    await row.getByRole('button', { name: 'Retry' }).waitFor()
    await until(() => row.evaluate((element) => element.contains(document.activeElement)))
  }, 30_000)

  test('cancels and retries a task', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    await page.getByLabel('Seconds').fill('60')
    await page.getByRole('button', { name: 'Start demo' }).click()
    const task = page.locator('.task').first()
    await task.getByText('running', { exact: true }).waitFor()
    await task.getByRole('button', { name: 'Cancel' }).click()
    await task.getByText('cancelled', { exact: true }).waitFor()
    await task.getByRole('button', { name: 'Retry' }).click()
    await task.getByText(/^(queued|running)$/).waitFor()
    await task.getByRole('button', { name: 'Cancel' }).click()
    await task.getByText('cancelled', { exact: true }).waitFor()
  }, 30_000)

  test('deletes a task only after a confirmation', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    const { id } = (await post('tasks', { kind: 'demo', input: { seconds: 0 } })) as { id: number }
    const row = page.getByRole('listitem', { name: `Task ${id}:` })
    const dialog = page.getByRole('dialog', { name: `Delete task ${id}?` })
    await row.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Keep task' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect((await fetch(`${instance.url}/api/tasks/${id}`)).status).toBe(200)
    await row.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete task' }).click()
    // A dialog hides the rows behind it, so that only the server says when the task is deleted.
    await until(async () => (await fetch(`${instance.url}/api/tasks/${id}`)).status === 404)
    await row.waitFor({ state: 'detached' })
  }, 30_000)

  test('draws selects and fields of a form equally high', async () => {
    const page = await openPage(browser, url, { path: '/notifications' })
    const heights = await page
      .locator('form.card, section.card > form')
      .locator('input:not([type="checkbox"]), select')
      .evaluateAll((fields) => fields.map((field) => field.getBoundingClientRect().height))
    expect(heights.length).toBeGreaterThan(2)
    expect(new Set(heights).size).toBe(1)
  }, 30_000)

  test('imports a CSV file and offers its invalid lines as a download', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    const csv = 'customer,currency,sku,name,quantity,unit_price\nzoe,EUR,A1,Tea,1,450\nzoe,EUR,A1,Tea,none,450\n'
    await page
      .getByLabel('Choose a CSV file')
      .setInputFiles({ name: 'zoe.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
    const task = page.locator('.task', { hasText: 'Import of zoe.csv' }).first()
    await task.getByText('1 imported, 1 rejected').waitFor()
    const href = await task.getByRole('link', { name: /rejected\.csv/ }).getAttribute('href')
    expect(await (await fetch(`${instance.url}${href}`)).text()).toContain('quantity is')
  }, 30_000)

  test('shares one connection between all tabs of a browser; when the tab that holds it closes, another takes over', async () => {
    await until(async () => (await streamsOf(instance.url)) === 0)
    const first = await openPage(browser, url)
    const context = first.context()
    const second = await openTab(await context.newPage(), url)
    const third = await openTab(await context.newPage(), url, '/log')
    expect(await streamsOf(instance.url)).toBe(1)
    await say('one')
    for (const page of [first, second]) await latest(page, 'one').waitFor()
    await first.close()
    const published = say('two')
    await latest(second, 'two').waitFor()
    await published
    await live(second)
    await say('three')
    await latest(second, 'three').waitFor()
    expect(await streamsOf(instance.url)).toBe(1)
    await third.getByRole('button', { name: 'three' }).waitFor()
    const rows = await third.getByRole('row').allTextContents()
    const positions = rows.map((row) => Number(/^\d+/.exec(row)?.[0]))
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => b - a))
    for (const type of ['one', 'two', 'three']) {
      expect(await latest(second, type).count()).toBe(1)
      expect(await third.getByRole('button', { name: type, exact: true }).count()).toBe(1)
    }
  }, 60_000)

  test('shows events that were published while the user was on another page', async () => {
    const page = await openPage(browser, url)
    await say('before')
    await latest(page, 'before').waitFor()
    await page.goto(`${url}/healthz`)
    await say('meanwhile')
    await page.goto(url)
    await latest(page, 'meanwhile').waitFor()
    expect(await latest(page, 'before').count()).toBe(1)
  }, 30_000)

  test('shows that the network is down, and catches up when it is back', async () => {
    // A page on localhost needs no network.
    const page = await openPage(browser, url.replace('localhost', 'example.test'))
    await page.context().setOffline(true)
    await streamState(page).getByText('Offline').waitFor()
    await say('offline')
    await page.context().setOffline(false)
    await latest(page, 'offline').waitFor()
    await live(page)
  }, 30_000)

  test('moves an order that another user moves, and highlights it', async () => {
    const order = await newOrder()
    const page = await openPage(browser, url, { path: '/orders' })
    const card = page.locator('.order', { hasText: `#${order.id}` })
    await card.getByRole('button', { name: `Pay order ${order.id}` }).waitFor()
    await post(`orders/${order.id}/transitions`, { to: 'paid' })
    await card.getByRole('button', { name: `Pack order ${order.id}` }).waitFor()
    expect(await card.getAttribute('data-marked')).toBe('true')
  }, 30_000)

  test('explains a conflict and shows the current order', async () => {
    const order = await newOrder()
    const page = await openPage(browser, url, { path: '/orders' })
    // Another user changes the order while the request is on its way.
    await page.route(
      '**/transitions',
      async (route) => {
        await post(`orders/${order.id}/transitions`, { to: 'cancelled' })
        await route.continue()
      },
      { times: 1 },
    )
    await page.getByRole('button', { name: `Pay order ${order.id}` }).click()
    await page
      .getByText(`Order ${order.id} was not changed to paid: another user has changed it to cancelled`)
      .waitFor()
    await page
      .getByRole('region', { name: /^cancelled/ })
      .getByText(`#${order.id}`)
      .waitFor()
  }, 30_000)

  test('keeps the focus on the same order while newer ones arrive', async () => {
    const order = await newOrder()
    const page = await openPage(browser, url, { path: '/orders' })
    const button = page.getByRole('button', { name: `Cancel order ${order.id}` })
    await button.focus()
    const others = await Promise.all([newOrder(), newOrder(), newOrder()])
    await page.getByRole('button', { name: `Cancel order ${Math.max(...others.map(({ id }) => id))}` }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      `Cancel order ${order.id}`,
    )
  }, 30_000)

  test('moves the focus to the next order when an order leaves its column', async () => {
    const [first, second] = [await newOrder(), await newOrder()]
    const page = await openPage(browser, url, { path: '/orders' })
    await page.getByRole('button', { name: `Pay order ${second.id}` }).press('Enter')
    await page.getByRole('button', { name: `Pack order ${second.id}` }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(`Pay order ${first.id}`)
  }, 30_000)

  test('keeps the cards in place while the pointer is over them', async () => {
    const order = await newOrder()
    const page = await openPage(browser, url, { path: '/orders' })
    const card = page.locator('.order', { hasText: `#${order.id}` })
    const before = await card.boundingBox()
    const { x, y } = before ?? { x: 0, y: 0 }
    let moves = 0
    const under = async (seen: () => Promise<number>) => {
      await until(async () => {
        await page.mouse.move(x + 9 + (moves++ % 5), y + 9)
        return (await seen()) > 0
      })
    }
    const pending = page.getByRole('region', { name: /^pending/ })
    await page.mouse.move(x + 9, y + 9)
    const newer = await newOrder()
    await under(() => pending.getByText('1 new').count())
    await post(`orders/${order.id}/transitions`, { to: 'paid' })
    await under(() => pending.getByText('now paid').count())
    expect(await card.first().boundingBox()).toEqual(before)
    await page.mouse.move(1, 1)
    await pending.getByText(`#${newer.id}`).waitFor()
    await pending.getByText(`#${order.id}`).waitFor({ state: 'detached' })
  }, 30_000)

  test('shows the order that a link refers to, even if it is not on the board', async () => {
    const order = await newOrder()
    const page = await openPage(browser, url, { path: `/orders?id=${order.id}` })
    await page.getByText(`Order #${order.id} of alice is pending`).waitFor()
    await openTab(await page.context().newPage(), url, '/orders?id=1')
  }, 30_000)

  test('shows an error for an unknown page', async () => {
    const page = await openPage(browser, url, { path: '/nowhere' })
    await page.getByText('This page does not exist.').waitFor()
    const problem = await fetch(`${instance.url}/nowhere`)
    expect([problem.status, ((await problem.json()) as { code: string }).code]).toEqual([404, 'route.unknown'])
  }, 30_000)

  test('shows older tasks', async () => {
    await database.sql`
      insert into sse.tasks (kind, owner, description, input, state, ended_at)
      select 'demo', 'old', 'Old ' || i, '{}', 'succeeded', now() from generate_series(1, 120) i`
    const page = await openPage(browser, url, { path: '/tasks' })
    await page.getByText('Old 120', { exact: true }).waitFor()
    expect(await page.getByText('Old 5', { exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: 'Show older tasks' }).click()
    await page.getByText('Old 5', { exact: true }).waitFor()
  }, 30_000)

  test('returns the focus when a dialog closes', async () => {
    const page = await openPage(browser, url, { path: '/orders' })
    const button = page.getByRole('button', { name: 'New order' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await until(() => button.evaluate((element) => element === document.activeElement))
  }, 30_000)

  test('works for user names in any script', async () => {
    const page = await openPage(browser, url, { path: '/notifications', user: '李' })
    await page.getByText('Inbox of 李').waitFor()
    await page.getByLabel('Title').fill('Hello')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.locator('.inbox').getByText('Hello').waitFor()
  }, 30_000)

  test('works on an insecure origin, where each tab has its own connection', async () => {
    const page = await openPage(browser, url.replace('localhost', 'example.test'))
    await say('untrusted')
    await latest(page, 'untrusted').waitFor()
  }, 30_000)

  test('creates an order', async () => {
    const page = await openPage(browser, url, { path: '/orders', user: 'nora' })
    await page.getByRole('button', { name: 'New order' }).click()
    await page.getByRole('button', { name: 'Create order' }).click()
    await page.locator('.order', { hasText: 'nora' }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  }, 30_000)

  test('shows a notification in all tabs of a user, and marks it as read in all of them', async () => {
    const page = await openPage(browser, url, { path: '/notifications', user: 'ida' })
    const other = await openTab(await page.context().newPage(), url)
    await post('notifications', { to: ['ida'], title: 'Tea is ready', level: 'success' })
    await other.locator('.toast', { hasText: 'Tea is ready' }).waitFor()
    for (const tab of [page, other]) await until(async () => (await tab.title()).startsWith('(1)'))
    expect(await page.locator('.toast').count()).toBe(0)
    // A toast stays while the pointer is over it.
    await other.locator('.toast').hover()
    await page.locator('.inbox').getByRole('button', { name: 'Mark as read' }).click()
    for (const tab of [page, other]) await until(async () => !(await tab.title()).startsWith('('))
    await other.locator('.toast').waitFor({ state: 'detached' })
  }, 30_000)

  test('resumes after a reload: shows notifications sent in the meantime, and none twice', async () => {
    const page = await openPage(browser, url, { path: '/orders', user: 'kim' })
    await post('notifications', { to: ['kim'], title: 'Before' })
    await page.locator('.toast', { hasText: 'Before' }).waitFor()
    await page.goto(`${url}/healthz`)
    await post('notifications', { to: ['kim'], title: 'Meanwhile' })
    await page.goto(`${url}/orders`)
    await page.locator('.toast', { hasText: 'Meanwhile' }).waitFor()
    expect(await page.locator('.toast').textContent()).not.toContain('more')
  }, 30_000)

  test('pages backward through the log, filters it, and replays it from an event', async () => {
    await publish(
      instance.url,
      Array.from({ length: 700 }, (_, index) => ({
        channel: `old.${index % 2}`,
        type: `old.${index % 7}`,
        data: { index },
      })),
    )
    const page = await openPage(browser, url, { path: '/log' })
    await page.getByLabel('Channel pattern').fill('old.*')
    await page.getByLabel('Type').fill('old.3')
    await page.getByRole('button', { name: 'Apply filter' }).click()
    await page.getByText('100 loaded').waitFor()
    await publish(instance.url, [{ channel: 'old.1', type: 'old.3', data: { index: 'live' } }])
    await page.getByText('101 loaded').waitFor()
    await page.getByRole('button', { name: 'old.3' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('"live"').waitFor()
    await dialog.getByRole('button', { name: 'Replay from here in a new stream' }).press('Enter')
    await dialog.getByText('1 event replayed').waitFor()
    expect(await dialog.getByRole('status').textContent()).toBe('live')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }, 30_000)

  test('keeps the rows of the log in place while the pointer or the focus is on one', async () => {
    const page = await openPage(browser, url, { path: '/log' })
    await say('held')
    const row = page.getByRole('row', { name: /held/ })
    const { x, y } = (await row.boundingBox()) ?? { x: 0, y: 0 }
    let moves = 0
    await page.mouse.move(x + 9, y + 9)
    await say('later')
    await until(async () => {
      await page.mouse.move(x + 9 + (moves++ % 5), y + 9)
      return (await page.getByText('1 new').count()) === 1
    })
    expect((await row.boundingBox())?.y).toBe(y)
    await page.mouse.move(1, 1)
    await page.getByRole('button', { name: 'later' }).waitFor()
    // With the keyboard.
    await page.getByRole('table', { name: 'Events' }).focus()
    await page.keyboard.press('Tab')
    for (let count = 0; count < 30; count++) await say('many')
    await page.getByText('30 new').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('heading', { name: 'later' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Shift+Tab')
    await page.getByRole('button', { name: 'many' }).first().waitFor()
  }, 30_000)

  test('shows an error when a notification cannot be marked as read', async () => {
    const page = await openPage(browser, url, { path: '/notifications', user: 'ned' })
    await post('notifications', { to: ['ned'], title: 'Unread' })
    await page.locator('.inbox').getByText('Unread').waitFor()
    await page.route('**/read', (route) => route.abort())
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await page.getByRole('alert').getByText(UNREACHABLE).waitFor()
    expect(await page.title()).toStartWith('(1)')
  }, 30_000)

  test('shows the error of the server when a list cannot be read', async () => {
    const page = await openPage(browser, url, { path: '/log' })
    await page.getByLabel('Channel pattern').fill('a..b')
    await page.getByRole('button', { name: 'Apply filter' }).click()
    await page
      .getByRole('alert')
      .getByText(/channel/i)
      .first()
      .waitFor()
  }, 30_000)

  // Last, because it sets the log back.
  test('reports that the log was set back, and shows the current state', async () => {
    const page = await openPage(browser, url, { path: '/orders' })
    for (let count = 0; count < 8; count++) await say('seen')
    await database.sql.begin(async (transaction) => {
      // As after a restored backup.
      await transaction`update sse.head set position = 3`
      await transaction`delete from sse.log where position > 3`
    })
    await page.getByRole('alert').getByText("The server's log has been replaced").waitFor()
    await page.getByRole('button', { name: 'Dismiss', exact: true }).click()
    const order = await newOrder()
    await page.locator('.order', { hasText: `#${order.id}` }).waitFor()
  }, 60_000)
})
