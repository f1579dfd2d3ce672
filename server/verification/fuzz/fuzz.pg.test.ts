// Requests by chance, from the OpenAPI document of the server. FUZZ_SEED=… repeats a run; FUZZ_RUNS=… sets how many requests each
// operation gets in each round, and FUZZ=full makes them many.

import { describe, expect, test } from 'bun:test'
import { MINUTE } from '../../platform/time.ts'
import { createDatabase } from '../../testing/database.ts'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { TOKEN_SECRET, tokenOf } from '../../testing/tokens.ts'
import { until } from '../../testing/until.ts'
import { Verification } from '../verification.ts'
import { Campaign } from './campaign.ts'
import type { OpenApi } from './document.ts'
import type { Header } from './headers.ts'

const isFull = process.env.FUZZ === 'full'
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(process.env.FUZZ_RUNS ?? (isFull ? 130 : 1))
const ROUNDS = 3
/** Bytes by which the heap may grow between two equal rounds. Few requests do not yet reach all code, which is compiled when it runs. */
const MAX_GROWTH = (isFull ? 8 : 32) * 2 ** 20

const SETTINGS = {
  LOG_LEVEL: 'info',
  TRUSTED_PROXIES: '127.0.0.1',
  MAX_BODIES_PER_ADDRESS: '0',
  TASKS_PER_OWNER: '1000000',
  // Small enough to be full after the first round.
  WINDOW_BYTES: '1048576',
}
const KEY = 'a-key-of-the-tests-with-more-than-thirty-two-characters'

const authorization = (value: string): Header => ['authorization', `Bearer ${value}`]

const sendersWithKeys = async (): Promise<Header[][]> => [
  [authorization(await tokenOf({ sub: 'olga', role: 'operator', subscribe: ['>'], publish: ['>'] }))],
  [authorization(await tokenOf({ sub: 'alice', subscribe: ['*.alice.>', 'broadcast'], publish: ['chat.>'] }))],
  [['cookie', `sse_session=${await tokenOf({ sub: 'alice' })}`]],
  [authorization(KEY)],
  [authorization(await tokenOf({ sub: 'alice' }, { ttl: -60 }))],
  [],
]

const variants = [
  { name: 'a server without keys', settings: { LAB: 'off' }, senders: async () => [[]] as Header[][] },
  {
    name: 'a server with keys',
    settings: {
      LAB: 'on',
      JWT_SECRET: TOKEN_SECRET,
      PUBLISH_KEYS: JSON.stringify([{ name: 'shop', key: KEY, publish: ['orders.>'], subscribe: ['orders.>'] }]),
    },
    senders: sendersWithKeys,
  },
]

/** Heap of the process after a garbage collection, in bytes. */
async function heapOf(instance: InstanceProcess): Promise<{ rss: number; heapSize: number; objectCount: number }> {
  const reports = () => instance.output.match(/^memory .*$/gm) ?? []
  const before = reports().length
  process.kill(instance.pid, 'SIGUSR2')
  const all = await until('a report of the memory', reports, (list) => list.length > before)
  return JSON.parse(all.at(-1)?.slice('memory '.length) ?? '')
}

/** Lines of the log that name a defect of the server. */
const errorsIn = (output: string) => output.split('\n').filter((line) => /"level":[56]0/.test(line))

describe.each(variants)('$name', ({ settings, senders: sendersOf }) => {
  test(
    'answers any request as its document says, and goes on to serve streams',
    async () => {
      await using database = await createDatabase()
      const preload = `${import.meta.dir}/../../testing/memory.preload.ts`
      await using instance = await startProcess(
        { ...SETTINGS, ...settings, DATABASE_URL: database.url },
        { command: [process.execPath, '--preload', preload, 'server/main.ts'] },
      )
      const { url } = instance
      const senders = await sendersOf()
      const document: OpenApi = await (await fetch(`${url}/openapi.json`)).json()
      const headers = Object.fromEntries(senders[0] ?? [])
      const verification = new Verification({ urls: [url], connections: 8, rate: 10, headers, seed })
      await verification.start()

      const campaign = new Campaign({ url, document, seed, runs, senders })
      const failures: string[] = []
      const heaps: Awaited<ReturnType<typeof heapOf>>[] = []
      for (let round = 0; round < ROUNDS; round++) {
        failures.push(...(await campaign.round(round)))
        heaps.push(await heapOf(instance))
      }
      const report = await verification.finish()
      const { requests, outcomes } = campaign
      if (isFull) console.log({ seed, requests, heaps, outcomes: Object.fromEntries([...outcomes].sort()) })

      expect([...failures, ...errorsIn(instance.output)].join('\n\n')).toBe('')
      expect(report).toMatchObject({ isClean: true, missing: 0, gaps: 0 })
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
      expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ok' })
      const successes = [...outcomes].filter(([outcome]) => outcome.startsWith('2')).map(([, count]) => count)
      expect(successes.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(requests / 10)
      expect((heaps[2]?.heapSize ?? 0) - (heaps[1]?.heapSize ?? 0)).toBeLessThan(MAX_GROWTH)
    },
    60 * MINUTE,
  )
})
