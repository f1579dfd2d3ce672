import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import type { Runtime } from './runtime.ts'
import { describeInBrowser, launchBrowser } from './testing/browser.ts'
import { createCertificates, type TestCertificates } from './testing/certificates.ts'
import { createDatabase, type TestDatabase } from './testing/database.ts'
import { startInstance } from './testing/instance.ts'

const EVENTS = 20

describeInBrowser('a page over TLS', () => {
  let database: TestDatabase
  let certificates: TestCertificates
  let instance: Runtime & AsyncDisposable
  beforeAll(async () => {
    ;[database, certificates] = await Promise.all([createDatabase(), createCertificates()])
    instance = await startInstance(database.url, { ...certificates.settings, HTTP3: 'on' })
  })
  afterAll(async () => {
    await instance[Symbol.asyncDispose]()
    await Promise.all([database, certificates].map((each) => each[Symbol.asyncDispose]()))
  })

  /** A browser that trusts the server's key, on a page of the server. */
  async function withPage(args: readonly string[], use: (page: Page) => Promise<void>): Promise<void> {
    const trust = `--ignore-certificate-errors-spki-list=${await certificates.publicKeyHash()}`
    const browser: Browser = await launchBrowser([trust, ...args])
    try {
      const page = await browser.newPage()
      // The dashboard, whose policy lets its origin connect.
      await page.goto(`${instance.url}/`)
      await use(page)
    } finally {
      await browser.close()
    }
  }

  /** Opens native EventSources, publishes when all are ready, and returns the numbers that each has received, with the protocols. */
  const follow = (page: Page, streams: number, channel: string) =>
    page.evaluate(
      async ({ streams, channel, count }) => {
        const received = Array.from({ length: streams }, (): number[] => [])
        const sources = received.map(() => new EventSource(`/events?channel=${channel}`))
        const ready = (source: EventSource) => new Promise((resolve) => source.addEventListener('ready', resolve))
        await Promise.all(sources.map(ready))
        const complete = sources.map(
          (source, index) =>
            new Promise<void>((resolve) =>
              source.addEventListener('t', ({ data }) => {
                received[index]?.push(JSON.parse(data).data)
                if (JSON.parse(data).data === count - 1) resolve()
              }),
            ),
        )
        const events = Array.from({ length: count }, (_, data) => ({ channel, type: 't', data }))
        const headers = { 'content-type': 'application/json' }
        await fetch('/events', { method: 'POST', headers, body: JSON.stringify(events) })
        await Promise.all(complete)
        for (const source of sources) source.close()
        const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
        return { received, protocol: page?.nextHopProtocol }
      },
      { streams, channel, count: EVENTS },
    )

  const numbers = Array.from({ length: EVENTS }, (_, index) => index)

  test('opens 100 streams over HTTP/2, and each receives every event once, in order', async () => {
    await withPage([], async (page) => {
      const { received, protocol } = await follow(page, 100, 'h2')
      expect(protocol).toBe('h2')
      expect(received).toEqual(Array.from({ length: 100 }, () => numbers))
    })
  }, 60_000)

  test('opens 40 streams over HTTP/3, and each receives every event once, in order', async () => {
    const { host } = new URL(instance.url)
    await withPage(['--enable-quic', `--origin-to-force-quic-on=${host}`], async (page) => {
      const { received, protocol } = await follow(page, 40, 'h3')
      expect(protocol).toBe('h3')
      expect(received).toEqual(Array.from({ length: 40 }, () => numbers))
    })
  }, 60_000)

  test('opens a WebSocket beside its HTTP/2 connection', async () => {
    await withPage([], async (page) => {
      const first = await page.evaluate(
        () =>
          new Promise<string>((resolve, reject) => {
            const socket = new WebSocket(`wss://${location.host}/events?channel=socket`, 'sse-update.v1')
            socket.onmessage = ({ data }) => resolve(String(data))
            socket.onerror = () => reject(new Error('the socket did not open'))
          }),
      )
      expect(first).toContain('ready')
    })
  }, 60_000)
})
