import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Envelope } from './protocol/event.ts'
import type { Runtime } from './runtime.ts'
import { createDatabase, type TestDatabase } from './testing/database.ts'
import { startInstance } from './testing/instance.ts'
import { openStream, positionOf } from './testing/stream-reader.ts'
import { until } from './testing/until.ts'

let database: TestDatabase
let instances: (Runtime & AsyncDisposable)[]

beforeAll(async () => {
  database = await createDatabase()
  instances = await Promise.all([0, 1].map(() => startInstance(database.url, { WORKER_CONCURRENCY: '4' })))
})
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()))
  await database[Symbol.asyncDispose]()
})

const PERSON = 'alice'
const WRITERS = 12
const ROUNDS = 15
const CLIENTS = 16
/** Milliseconds. */
const TIMEOUT = 120_000

interface Row {
  id: number
  version: number
}

/** What a page keeps of one list. */
type Rows = Map<number, Row & Record<string, unknown>>

const urlOf = (index: number) => instances[index % instances.length]?.url ?? ''

async function call(index: number, method: string, path: string, body?: unknown) {
  const response = await fetch(`${urlOf(index)}/api/${path}`, {
    method,
    headers: { 'x-user': PERSON, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return text ? JSON.parse(text) : undefined
}

const LISTS = ['orders', 'tasks', 'notifications'] as const

/** The three lists as they are now, and where to stream from: the earliest of their cursors. */
async function load(index: number): Promise<{ state: Record<string, Rows>; cursor: string }> {
  const pages = await Promise.all(LISTS.map((list) => call(index, 'GET', `${list}?limit=500`)))
  const state = Object.fromEntries(
    LISTS.map((list, at) => [list, new Map(pages[at][list].map((row: Row) => [row.id, row]))]),
  ) as Record<string, Rows>
  const cursors: string[] = pages.map(({ cursor }) => cursor)
  return { state, cursor: cursors.sort((left, right) => positionOf(left) - positionOf(right))[0] as string }
}

/** What a page does with an event: what it knows already, it recognises by the version. */
function apply(state: Record<string, Rows>, { type, data }: Envelope): void {
  const content = data as Record<string, Row & Record<string, unknown>> & { ids?: number[]; readAt?: string }
  const put = (list: string, row: (Row & Record<string, unknown>) | undefined) => {
    if (!row) return
    const rows = state[list] as Rows
    if (type.endsWith('.deleted')) rows.delete(row.id)
    else if (row.version > (rows.get(row.id)?.version ?? 0)) rows.set(row.id, row)
  }
  put('orders', content.order)
  put('tasks', content.task)
  put('notifications', content.notification)
  for (const id of content.ids ?? []) {
    const row = state.notifications?.get(id)
    if (row && row.version < 2) state.notifications?.set(id, { ...row, version: 2, readAt: content.readAt })
  }
}

/** Rounds that all writers have begun, together. */
let rounds = 0

/** Writes without a pause: everything that can happen to an order, a task, a notification. */
async function write(index: number): Promise<void> {
  const lines = [{ sku: 'A1', name: 'Tea', quantity: 1, unitPrice: 100 }]
  for (let round = 0; round < ROUNDS; round++, rounds++) {
    const order = await call(index, 'POST', 'orders', { customer: PERSON, currency: 'EUR', lines })
    await call(index + 1, 'POST', `orders/${order.id}/transitions`, { to: round % 2 ? 'paid' : 'cancelled' })
    if (round % 4 === 0) await call(index, 'DELETE', `orders/${order.id}`)
    const task = await call(index, 'POST', 'tasks', { kind: 'demo', input: { seconds: round % 3 === 0 ? 60 : 0 } })
    await call(index + 1, 'PATCH', `tasks/${task.id}`, { description: `Round ${round}` })
    await call(index, 'POST', `tasks/${task.id}/cancel`)
    if (round % 4 === 1) await call(index + 1, 'DELETE', `tasks/${task.id}`)
    const to = round % 2 ? 'everyone' : [PERSON]
    const notification = await call(index, 'POST', 'notifications', { to, title: `Round ${round}` })
    if (round % 3 === 0) await call(index + 1, 'POST', `notifications/${notification.id}/read`)
  }
}

/** A page that opens in the midst of the writing, each at another place, and shows what it has once the marker came. */
async function show(index: number): Promise<Record<string, Rows>> {
  await until('the writers are as far', () => rounds >= (index * WRITERS * ROUNDS) / CLIENTS, Boolean, TIMEOUT)
  const { state, cursor } = await load(index)
  const channels = [`orders.${PERSON}.*`, `tasks.${PERSON}.*`, `notifications.${PERSON}`, 'broadcast']
  await using reader = await openStream(urlOf(index + 1), channels, { 'last-event-id': cursor })
  const hasEnded = () => reader.frames.some(({ event }) => event === 'marker')
  while (!hasEnded()) await reader.until(hasEnded).catch(() => {})
  for (const event of reader.events) if (event.type !== 'marker') apply(state, event)
  return state
}

test(
  'a page that loads state and then streams from its cursor ends with the state of the database, whatever is written meanwhile',
  async () => {
    const pages = Array.from({ length: CLIENTS }, (_, index) => show(index))
    await Promise.all(Array.from({ length: WRITERS }, (_, index) => write(index)))
    // Tasks that were not cancelled end by themselves.
    await until(
      'no task runs',
      () => call(0, 'GET', 'tasks/count'),
      ({ counts }) => !counts.running && !counts.queued,
    )
    // Behind everything else in the outbox.
    await database.sql`select sse.publish('broadcast', 'marker', 'null')`
    const { state: expected } = await load(0)
    for (const list of LISTS) expect(expected[list]?.size).toBeGreaterThan(100)
    const byId = (rows: Rows | undefined) => [...(rows?.values() ?? [])].sort((a, b) => a.id - b.id)
    for (const state of await Promise.all(pages)) {
      for (const list of LISTS) expect(byId(state[list])).toEqual(byId(expected[list]))
    }
  },
  TIMEOUT,
)
