import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { SECOND } from '../platform/time.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { createTotals } from '../telemetry/totals.ts'
import { BodyBudget, type BodyBudgetOptions } from './body-budget.ts'
import type { OpenBody, Pace } from './open-body.ts'

const KIB = 1024
const PATIENT: Pace = { timeout: Number.POSITIVE_INFINITY, leastRate: 0, window: SECOND }

let time = 0
const clock = performance.now
beforeEach(() => {
  jest.useFakeTimers()
  // Not 0, so that a time and a duration differ.
  time = 1000 * SECOND
  performance.now = () => time
})
afterEach(() => {
  jest.useRealTimers()
  performance.now = clock
})

/** Lets time pass, in steps in which the budget looks at its bodies. */
function pass(seconds: number, eachStep = () => {}): void {
  for (let step = 0; step < 4 * seconds; step++) {
    time += SECOND / 4
    eachStep()
    jest.advanceTimersByTime(SECOND / 4)
  }
}

const budgetOf = (options: Partial<BodyBudgetOptions> = {}) =>
  new BodyBudget({ maxBytes: 100 * KIB, maxBodies: 100, maxBodiesPerAddress: 0, telemetry: SILENT, ...options })

/** A body whose next bytes are waited for. */
function open(budget: BodyBudget, { address = 'a', pace = PATIENT, bytes = 0 } = {}): OpenBody {
  const body = budget.open(
    () => address,
    pace,
    () => {},
  )
  if (bytes > 0) budget.hold(body, bytes)
  body.startReading()
  return body
}

const codeOf = (body: OpenBody) => body.refusal?.code

describe('a body', () => {
  test('is refused when less than the least rate arrives in a window', () => {
    const { telemetry, totals } = createTotals()
    const budget = budgetOf({ telemetry })
    const pace = { ...PATIENT, leastRate: 1000, window: 5 * SECOND }
    const slow = open(budget, { pace })
    const quick = open(budget, { pace })
    const step = () => {
      budget.hold(quick, 300)
      budget.release(quick, 600)
      budget.hold(slow, 10)
    }
    pass(4, step)
    expect(codeOf(slow)).toBeUndefined()
    pass(2, step)
    expect([codeOf(slow), codeOf(quick)]).toEqual(['body.too_slow', undefined])
    expect(slow.refusal).toMatchObject({ status: 408, retryAfter: 1, closesConnection: true })
    // However much has come before.
    pass(10)
    expect(codeOf(quick)).toBe('body.too_slow')
    expect(totals.refusedBodies.too_slow).toBe(2)
  })

  test('is not refused for the time that the server takes', () => {
    const budget = budgetOf()
    const body = open(budget, { pace: { timeout: 5 * SECOND, leastRate: 1000, window: SECOND } })
    body.stopReading()
    pass(20)
    expect(codeOf(body)).toBeUndefined()
  })

  test('is refused after the timeout, at whatever rate it comes', () => {
    const budget = budgetOf()
    const body = open(budget, { pace: { ...PATIENT, timeout: 3 * SECOND } })
    pass(3, () => budget.hold(body, 100))
    expect(codeOf(body)).toBeUndefined()
    pass(1)
    expect(codeOf(body)).toBe('body.too_slow')
  })
})

test('the rate of a body counts only the time in which the server waits for it', () => {
  const budget = budgetOf()
  const pace = { ...PATIENT, leastRate: 1000, window: 4 * SECOND }
  const body = open(budget, { pace })
  const wait = (bytes: number) => {
    body.startReading()
    pass(1)
    body.stopReading()
    budget.hold(body, bytes)
    pass(3)
  }
  // 1400 bytes per second of waiting are 350 per second of the clock.
  for (let count = 0; count < 12; count++) wait(1400)
  expect(codeOf(body)).toBeUndefined()
  for (let count = 0; count < 12; count++) wait(900)
  body.startReading()
  pass(1)
  expect(codeOf(body)).toBe('body.too_slow')
})

describe('the number of bodies', () => {
  test('is bounded once they are unfinished for a second: the newest are refused', () => {
    const budget = budgetOf({ maxBodies: 2 })
    const bodies = [open(budget), open(budget), open(budget)]
    pass(1)
    expect(bodies.map(codeOf)).toEqual([undefined, undefined, undefined])
    pass(1)
    expect(bodies.map(codeOf)).toEqual([undefined, undefined, 'body.overloaded'])
    expect(bodies[2]?.refusal).toMatchObject({ status: 503, retryAfter: 2 })
  })

  test('is bounded by address, as are their bytes', () => {
    const { telemetry, totals } = createTotals()
    const budget = budgetOf({ maxBodiesPerAddress: 2, telemetry })
    const mine = [open(budget), open(budget), open(budget)]
    const others = [open(budget, { address: 'b', bytes: 20 * KIB }), open(budget, { address: 'b', bytes: 20 * KIB })]
    pass(2)
    expect(mine.map(codeOf)).toEqual([undefined, undefined, 'body.too_many'])
    expect(others.map(codeOf)).toEqual([undefined, 'body.too_many'])
    expect(others[1]?.refusal).toMatchObject({ status: 429, retryAfter: 5 })
    expect(totals.refusedBodies.too_many).toBe(2)
  })

  test('is not bounded by address when that is off', () => {
    const budget = budgetOf()
    const bodies = Array.from({ length: 50 }, () => open(budget, { bytes: KIB }))
    pass(2)
    expect(bodies.filter(codeOf)).toEqual([])
  })
})

describe('the memory', () => {
  test('counts what has arrived, with what each chunk costs, until the body is closed', () => {
    const budget = budgetOf()
    const body = open(budget)
    expect(budget.bytes).toBe(0)
    for (let index = 0; index < 10; index++) budget.hold(body, 1)
    expect(budget.bytes).toBeGreaterThan(1000)
    expect(body.received).toBe(10)
    budget.close(body)
    budget.close(body)
    expect([budget.bytes, budget.count]).toEqual([0, 0])
  })

  test('is taken from the oldest slow body when it is used up', () => {
    const budget = budgetOf()
    const bodies = [open(budget, { bytes: 40 * KIB }), open(budget, { bytes: 40 * KIB })]
    pass(2)
    const quick = open(budget, { bytes: 50 * KIB })
    expect([...bodies, quick].map(codeOf)).toEqual(['body.overloaded', undefined, undefined])
    expect(budget.problem).toContain('2 requests')
    pass(11)
    expect(budget.problem).toBeUndefined()
  })

  test('may be used up to the last byte', () => {
    const budget = budgetOf({ maxBytes: 10 * KIB })
    const old = open(budget)
    pass(2)
    // A chunk costs 256 bytes besides its content.
    const body = open(budget, { bytes: 10 * KIB - 256 })
    expect([codeOf(old), codeOf(body), budget.bytes]).toEqual([undefined, undefined, 10 * KIB])
    expect(() => budget.hold(body, 1)).toThrow(expect.objectContaining({ code: 'body.overloaded' }))
  })

  test('is not taken from a body that the server is processing, nor from the one that needs it', () => {
    const budget = budgetOf()
    const processed = open(budget, { bytes: 40 * KIB })
    processed.stopReading()
    const needy = open(budget, { bytes: 40 * KIB })
    const waiting = open(budget, { bytes: 10 * KIB })
    pass(2)
    budget.hold(needy, 15 * KIB)
    expect([processed, needy, waiting].map(codeOf)).toEqual([undefined, undefined, 'body.overloaded'])
  })

  test('refuses a new body when those before it are as new', () => {
    const budget = budgetOf()
    const first = open(budget, { bytes: 90 * KIB })
    expect(() => open(budget, { bytes: 20 * KIB })).toThrow(expect.objectContaining({ code: 'body.overloaded' }))
    expect([codeOf(first), budget.count]).toEqual([undefined, 1])
  })

  test('is given back when a body is refused', () => {
    const budget = budgetOf()
    open(budget, { bytes: 50 * KIB, pace: { ...PATIENT, timeout: SECOND } })
    pass(2)
    expect([budget.bytes, budget.count]).toEqual([0, 0])
  })
})
