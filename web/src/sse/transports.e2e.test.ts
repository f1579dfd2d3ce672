import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser } from '../../../server/testing/browser.ts'
import { createDatabase, type TestDatabase } from '../../../server/testing/database.ts'
import { type FaultProxy, startFaultProxy } from '../../../server/testing/fault-proxy.ts'
import { type InstanceProcess, startProcess } from '../../../server/testing/instance.ts'
import { publish } from '../../../server/testing/stream-reader.ts'
import { until } from '../../../server/testing/until.ts'

/** What the script of the page keeps. */
interface Seen {
  got: number[]
  states: string[]
}

describeInBrowser('the browser client', () => {
  let database: TestDatabase
  let instance: InstanceProcess
  let proxy: FaultProxy
  let browser: Browser
  let client: string
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startProcess({ DATABASE_URL: database.url, RETRY_MS: '100' })
    proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(instance.url).port) })
    browser = await launchBrowser()
    const { outputs } = await Bun.build({ entrypoints: [`${import.meta.dir}/event-stream.ts`], format: 'esm' })
    client = (await outputs[0]?.text()) ?? ''
  }, 60_000)
  afterAll(async () => {
    await browser.close()
    await proxy[Symbol.asyncDispose]()
    await instance.end('SIGTERM')
    await database[Symbol.asyncDispose]()
  })

  const seenBy = (page: Page): Promise<Seen> =>
    page.evaluate(() => {
      const { got, states } = globalThis as unknown as Seen
      return { got, states }
    })

  for (const transport of ['sse', 'websocket', 'poll']) {
    test(`receives every event once and in order by ${transport}, through connections that are cut`, async () => {
      const channel = `test.${crypto.randomUUID()}`
      const numbers = Array.from({ length: 90 }, (_, n) => n)
      const context = await browser.newContext({ bypassCSP: true })
      const page = await context.newPage()
      await page.goto(`http://127.0.0.1:${proxy.port}/healthz`)
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
      await until(
        'a connection',
        () => seenBy(page),
        ({ states }) => states.includes(`live ${transport}`),
      )
      for (const n of numbers) {
        if (n % 30 === 15) proxy.cut()
        await publish(instance.url, [{ channel, type: 't', data: { n } }])
      }
      const { got, states } = await until(
        'all events',
        () => seenBy(page),
        (seen) => seen.got.length >= numbers.length,
      )
      expect(got).toEqual(numbers)
      expect(states.filter((state) => state.startsWith('live'))).not.toHaveLength(1)
      await context.close()
    }, 60_000)
  }
})
