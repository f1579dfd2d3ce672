import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { freePort } from '../../testing/ports.ts'
import { openStream } from '../../testing/stream-reader.ts'

const PAGES = ['/', '/tasks', '/orders', '/notifications', '/log', '/cluster', '/lab']

/** Serves one empty page, as another program on another port of this machine does. */
const servePage = () =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response('<!doctype html><title>x</title>', { headers: { 'content-type': 'text/html' } }),
  })

/** Violations of the content security policy that a page has reported. */
const violations = (page: Page) =>
  page.evaluate(() => (globalThis as never as { violations: string[] }).violations) as Promise<string[]>

const WATCH = `globalThis.violations = []
document.addEventListener('securitypolicyviolation', (event) =>
  violations.push(event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample))`

describeInBrowser('in a browser', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let browser: Browser
  let port: string
  const friend = servePage()
  const foe = servePage()

  beforeAll(async () => {
    database = await createDatabase()
    port = String(await freePort())
    instance = await startProcess({
      DATABASE_URL: database.url,
      PORT: port,
      LAB: 'on',
      ALLOWED_ORIGINS: `http://127.0.0.1:${friend.port}`,
    })
    browser = await launchBrowser(['--host-resolver-rules=MAP rebound.example 127.0.0.1'])
  })
  afterAll(async () => {
    await browser.close()
    await Promise.all([friend.stop(true), foe.stop(true)])
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const open = async (url: string, watch = '', bypassCSP = false) => {
    const context = await browser.newContext({ bypassCSP })
    if (watch) await context.addInitScript(watch)
    const page = await context.newPage()
    await page.goto(url)
    return page
  }
  /** Status of the response and the first frame, or why there is none; through fetch, with Last-Event-ID. */
  const fetchStream = (page: Page, url: string) =>
    page.evaluate(async (address) => {
      try {
        const response = await fetch(address, { headers: { accept: 'text/event-stream', 'last-event-id': '0' } })
        const read = await response.body?.getReader().read()
        return `${response.status} ${new TextDecoder().decode(read?.value).includes('event: ready')}`
      } catch (error) {
        return String(error)
      }
    }, url)

  test('a page of an allowed origin opens a stream by fetch with Last-Event-ID, and can read the error when it is refused', async () => {
    const page = await open(`http://127.0.0.1:${friend.port}`)
    expect(await fetchStream(page, `${instance.url}/events?channel=c`)).toBe('200 true')
    const refused = await page.evaluate(async (url) => {
      const response = await fetch(`${url}/events?channel=a..b`)
      return ((await response.json()) as { code: string }).code
    }, instance.url)
    expect(refused).toBe('channel.invalid')
    await page.context().close()
  })

  test('the lab opens a stream by fetch with Last-Event-ID under another name of this machine', async () => {
    const page = await open(`http://localhost:${port}/lab`)
    expect(await fetchStream(page, `http://s9.localhost:${port}/events?channel=c`)).toBe('200 true')
    await page.context().close()
  })

  test('a page of another program on this machine can neither open a stream nor change anything', async () => {
    const url = `http://localhost:${port}`
    const created = await fetch(`${url}/api/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"kind":"demo","input":{"seconds":60}}',
    })
    const task = `${url}/api/tasks/${((await created.json()) as { id: number }).id}`
    const page = await open(`http://localhost:${foe.port}`)
    const followed = await page.evaluate(
      (address) =>
        new Promise((resolve) => {
          const source = new EventSource(address)
          source.onopen = () => resolve('open')
          source.onerror = () => resolve('refused')
        }),
      `${url}/events?channel=c`,
    )
    expect(followed).toBe('refused')
    await page.evaluate((address) => fetch(`${address}/cancel`, { method: 'POST', mode: 'no-cors' }), task)
    expect(['queued', 'running']).toContain(((await (await fetch(task)).json()) as { state: string }).state)
    await fetch(`${task}/cancel`, { method: 'POST' })
    await page.context().close()
  })

  test('a page whose host name was rebound to this server reads nothing', async () => {
    // An attacker's page is not served with the policy of this server.
    const page = await open(`http://rebound.example:${port}/`, '', true)
    const read = await page.evaluate(async () => {
      const response = await fetch('/api/orders')
      return [response.status, ((await response.json()) as { code: string }).code]
    })
    expect(read).toEqual([421, 'host.unknown'])
    await page.context().close()
  })

  test('every page of the dashboard obeys a policy without inline styles and scripts', async () => {
    for (const path of PAGES) {
      const policy = (await fetch(`${instance.url}${path}`)).headers.get('content-security-policy') ?? ''
      expect(policy).not.toContain('unsafe-inline')
      for (const directive of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
        expect(policy).toContain(directive)
      }
      const page = await open(`http://localhost:${port}${path}`, WATCH)
      await page.getByRole('status', { name: 'State of the event stream' }).getByText('Live').waitFor()
      if (path === '/lab') {
        await page.getByRole('button', { name: 'Open', exact: true }).click()
        await page.getByText('50 live').waitFor()
      }
      expect(await violations(page), path).toEqual([])
      await page.context().close()
    }
  })

  test('the page of a report keeps its styles under a policy without inline styles', async () => {
    const order = {
      customer: 'alice',
      currency: 'EUR',
      lines: [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }],
    }
    const post = (path: string, body: object) =>
      fetch(`${instance.url}/api/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((response) => response.json() as Promise<{ id: number }>)
    await post('orders', order)
    await using reader = await openStream(instance.url, ['tasks.>'])
    const { id } = await post('tasks', { kind: 'report' })
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.succeeded'))
    const address = `${instance.url}/api/tasks/${id}/files/report.html`
    const response = await fetch(address)
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe-inline')
    const complaints: string[] = []
    const page = await (await browser.newContext()).newPage()
    page.on('console', (message) => complaints.push(message.text()))
    await page.goto(address)
    expect(complaints).toEqual([])
    expect(await page.locator('h1').count()).toBe(1)
    await page.context().close()
  })
})
