import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../../server/testing/database.ts'
import { type InstanceProcess, startProcess } from '../../../server/testing/instance.ts'
import { BUFFERING, describeWithNginx, type Nginx, STREAMING, startNginx } from '../../../server/testing/nginx.ts'
import { publish } from '../../../server/testing/stream-reader.ts'
import { until } from '../../../server/testing/until.ts'

/** What the script of the page keeps. */
interface Seen {
  got: number[]
  states: string[]
}

const describeBehindProxy = describeInBrowser === describeInBrowser.skip ? describeInBrowser : describeWithNginx

describeBehindProxy('a page behind a proxy', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let nginx: Nginx
  let browser: Browser
  let client: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({ DATABASE_URL: database.url, RETRY_MS: '100' })
    nginx = await startNginx(instance.url, BUFFERING)
    browser = await launchBrowser()
    const { outputs } = await Bun.build({ entrypoints: [`${import.meta.dir}/event-stream.ts`], format: 'esm' })
    client = (await outputs[0]?.text()) ?? ''
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await nginx[Symbol.asyncDispose]()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  /** Follows a channel from the oldest event on. */
  async function follow(page: Page, channel: string, transport: string): Promise<void> {
    await page.goto(`${nginx.url}/healthz`)
    const script = `${client}
      globalThis.got = []
      globalThis.states = []
      globalThis.stream = openEventStream({
        channels: ['${channel}'],
        after: 'earliest',
        transport: '${transport}',
        onState: ({ name, transport = '' }) => states.push((name + ' ' + transport).trim()),
        onEvent: ({ data }) => got.push(data.n),
      })`
    await page.addScriptTag({ content: script, type: 'module' })
  }

  const seenBy = (page: Page): Promise<Seen> =>
    page.evaluate(() => {
      const { got, states } = globalThis as unknown as Seen
      return { got, states }
    })

  const publishAll = async (channel: string, numbers: readonly number[]) => {
    for (const n of numbers) await publish(instance.url, [{ channel, type: 't', data: { n } }])
  }

  test('that buffers streams goes to long-polling by itself, and misses nothing', async () => {
    const channel = `test.${crypto.randomUUID()}`
    const context = await browser.newContext({ bypassCSP: true })
    const page = await context.newPage()
    const lines: string[] = []
    page.on('console', (message) => lines.push(message.text()))
    const numbers = Array.from({ length: 40 }, (_, n) => n)
    await publishAll(channel, numbers.slice(0, 10))
    await follow(page, channel, 'auto')
    await until(
      'long-polling',
      () => seenBy(page),
      ({ states }) => states.includes('live poll'),
    )
    await publishAll(channel, numbers.slice(10))
    const { got, states } = await until(
      'all events',
      () => seenBy(page),
      (seen) => seen.got.length >= numbers.length,
    )
    expect(got).toEqual(numbers)
    expect(states).not.toContain('live sse')
    expect(lines.filter((line) => line.includes('long-polling'))).toHaveLength(1)

    // The next page of the tab begins with what has worked.
    await follow(page, channel, 'auto')
    const again = await until(
      'all events once more',
      () => seenBy(page),
      (seen) => seen.got.length >= numbers.length,
    )
    expect(again.got).toEqual(numbers)
    await context.close()
  }, 60_000)

  test('that forwards streams receives an event stream', async () => {
    const channel = `test.${crypto.randomUUID()}`
    await nginx.configure(STREAMING)
    const context = await browser.newContext({ bypassCSP: true })
    const page = await context.newPage()
    await publishAll(channel, [0])
    await follow(page, channel, 'auto')
    await until(
      'an event stream',
      () => seenBy(page),
      ({ states, got }) => states.includes('live sse') && got.length === 1,
    )
    await context.close()
  }, 60_000)
})
