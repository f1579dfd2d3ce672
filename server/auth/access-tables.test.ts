import { afterEach, expect, test } from 'bun:test'
import pino from 'pino'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { type AccessTables, createAccessTables } from './access-tables.ts'

useFakeTime()

let tables: AccessTables
afterEach(async () => {
  await tables.stop?.()
})

function create() {
  const state = { reads: 0, error: undefined as Error | undefined, lines: [] as string[] }
  const load = async () => {
    state.reads++
    if (state.error) throw state.error
  }
  tables = createAccessTables({ load: [load], logger: pino({}, { write: (line) => state.lines.push(line) }) })
  return state
}

const unreachable = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

test('tables are read before the start has ended, on a hint, and at an interval', async () => {
  const state = create()
  await tables.start?.()
  await settle()
  const atStart = state.reads
  expect(atStart).toBeGreaterThan(0)
  tables.wake()
  await settle()
  expect(state.reads).toBe(atStart + 1)
  await advance(5000)
  expect(state.reads).toBe(atStart + 2)
})

test('a start without the tables fails', async () => {
  const state = create()
  state.error = unreachable
  expect(await Promise.resolve(tables.start?.()).catch((error) => error)).toBe(unreachable)
})

test('a read that failed is repeated, and reported unless Postgres is unreachable', async () => {
  const state = create()
  await tables.start?.()
  await settle()
  const { reads } = state
  state.error = unreachable
  tables.wake()
  await settle()
  expect([state.reads, state.lines.length]).toEqual([reads + 1, 0])
  state.error = Object.assign(new Error('no such table'), { code: '42P01' })
  await advance(5000)
  expect([state.reads, state.lines.length]).toEqual([reads + 2, 1])
})
