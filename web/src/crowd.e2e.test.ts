import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../server/testing/instance.ts'
import { publish } from '../../server/testing/stream-reader.ts'
import { openPage, until } from './testing/dashboard.ts'

describeInBrowser('a page that holds only a part of the rows', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let url: string
  beforeAll(async () => {
    database = await createDatabase()
    await database.sql`
      insert into sse.orders (customer, currency, lines, total)
      select 'alice', 'EUR', '[{"sku":"A1","name":"Tea","quantity":1,"unitPrice":100}]', 100 from generate_series(1, 5020)`
    await database.sql`
      insert into sse.tasks (kind, owner, description, input, state, ended_at)
      select 'demo', 'old', 'Task ' || i, '{}', case i when 1 then 'failed' else 'succeeded' end, now()
      from generate_series(1, 320) i`
    instance = await startProcess({ DATABASE_URL: database.url, RETRY_MS: '100' })
    url = instance.url.replace('127.0.0.1', 'localhost')
    browser = await launchBrowser()
  })
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close()
  })
  afterAll(async () => {
    await browser.close()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const post = async (path: string, body: object, user = 'guest') => {
    const headers = { 'content-type': 'application/json', 'x-user': user }
    const response = await fetch(`${instance.url}/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(response.ok).toBe(true)
    return (await response.json()) as { id: number }
  }

  test('shows how many orders there are, when new ones arrive and when one changes that is not on the board', async () => {
    const page = await openPage(browser, url, { path: '/orders' })
    await page.getByText('The newest 5,000 of 5,020 orders').waitFor()
    const lines = [{ sku: 'A1', name: 'Tea', quantity: 1, unitPrice: 100 }]
    await post('orders/1/transitions', { to: 'paid' })
    const { id } = await post('orders', { customer: 'alice', currency: 'EUR', lines })
    await page.getByText('The newest 5,000 of 5,021 orders').waitFor()
    expect(await page.getByText(`#${id}`).count()).toBe(1)
    expect(await page.getByRole('region', { name: 'paid: 0 orders' }).count()).toBe(1)
  }, 30_000)

  test('counts all unread notifications, including those that are not loaded', async () => {
    const { id: first } = await post('notifications', { to: ['ida'], title: 'First' })
    await Promise.all(Array.from({ length: 204 }, () => post('notifications', { to: ['ida'], title: 'More' })))
    const page = await openPage(browser, url, { path: '/notifications', user: 'ida' })
    const title = (text: string) => until(async () => (await page.title()).startsWith(text))
    await title('(205)')
    await post(`notifications/${first}/read`, {}, 'ida')
    await title('(204)')
    await post('notifications', { to: ['ida'], title: 'Newest' })
    await title('(205)')
    expect(await page.locator('.inbox li').count()).toBe(200)
  }, 30_000)

  test('finds tasks by their state, however old they are', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    await page.getByText('Task 320', { exact: true }).waitFor()
    await page.getByLabel('Filter by state').selectOption('failed')
    await page.getByText('Task 1', { exact: true }).waitFor()
    await page.getByLabel('Filter by state').selectOption('queued')
    await page.getByText('There are no queued tasks.').waitFor()
  }, 30_000)

  test('keeps the tasks that a filter shows while many others arrive', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    await page.getByLabel('Filter by state').selectOption('failed')
    await page.getByText('Task 1', { exact: true }).waitFor()
    const example = ((await (await fetch(`${instance.url}/api/tasks?limit=1`)).json()) as { tasks: object[] }).tasks[0]
    const changed = (id: number, change: object) => ({
      channel: `tasks.new.${id}`,
      type: 'task.changed',
      data: { task: { ...example, id, ...change }, changed: [] },
    })
    const others = Array.from({ length: 400 }, (_, index) => changed(1000 + index, { description: 'Other' }))
    await publish(instance.url, [...others, changed(2000, { description: 'Last', state: 'failed' })])
    await page.getByText('Last', { exact: true }).waitFor()
    expect(await page.locator('.tasks').getByRole('listitem').count()).toBe(2)
    // Leaves the filter and matches it again within one frame.
    const failed = { description: 'Last', state: 'failed' }
    await publish(instance.url, [
      changed(2000, { state: 'queued', version: 100 }),
      changed(2000, { ...failed, version: 101 }),
      changed(2001, { ...failed, description: 'Later' }),
    ])
    await page.getByText('Later', { exact: true }).waitFor()
    expect(await page.getByText('Last', { exact: true }).count()).toBe(1)
    await publish(instance.url, [changed(2000, { state: 'queued', version: 102 })])
    await page.getByText('Last', { exact: true }).waitFor({ state: 'detached' })
  }, 30_000)

  test('loads older tasks page by page, and keeps them while new ones arrive', async () => {
    const page = await openPage(browser, url, { path: '/tasks' })
    for (const oldest of [221, 121, 21, 1]) {
      await page.getByText(`Task ${oldest}`, { exact: true }).waitFor()
      if (oldest > 1) await page.getByRole('button', { name: 'Show older tasks' }).click()
    }
    await page.getByRole('button', { name: 'Show older tasks' }).waitFor({ state: 'detached' })
    await post('tasks', { kind: 'demo', description: 'Brand new', input: { seconds: 0 } })
    await page.getByText('Brand new').waitFor()
    expect(await page.getByText('Task 1', { exact: true }).count()).toBe(1)
  }, 30_000)
})
