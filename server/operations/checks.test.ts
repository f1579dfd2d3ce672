import { expect, test } from 'bun:test'
import { type CheckSources, createChecks } from './checks.ts'

/** Parts without a problem; `changes` are what is wrong. */
function checksOf(changes: Record<string, unknown>) {
  const sources = {
    feed: {},
    relay: {},
    listener: { isListening: true, problem: 'not connected yet' },
    publisher: {},
    admission: { isFull: false },
    lost: {},
    bodies: {},
    monitor: { checks: () => ({ migrations: { status: 'ok' } }) },
    queueProblem: () => undefined,
    isDraining: () => false,
    pollInterval: 1000,
    ...changes,
  }
  return createChecks(sources as unknown as CheckSources)()
}

test('without a problem every check is ok, and says no more', () => {
  const checks = checksOf({})
  expect(Object.keys(checks).length).toBeGreaterThan(6)
  for (const check of Object.values(checks)) expect(check).toEqual({ status: 'ok' })
})

test.each([
  ['log', 'failed', { feed: { problem: 'why' } }, 'why'],
  ['holes', 'degraded', { lost: { problem: 'why' } }, 'why'],
  ['relay', 'degraded', { relay: { problem: 'why' } }, 'why'],
  ['listener', 'degraded', { listener: { isListening: false, problem: 'why' } }, 'why'],
  ['listener', 'degraded', { listener: { isListening: false, problem: 'why' } }, '1000 ms'],
  ['publishing', 'degraded', { publisher: { problem: 'why' } }, 'why'],
  ['publishing', 'degraded', { admission: { isFull: true, requests: 7 }, publisher: { problem: 'why' } }, '7 publish'],
  ['bodies', 'degraded', { bodies: { problem: 'why' } }, 'why'],
  ['tasks', 'degraded', { queueProblem: () => 'why' }, 'why'],
  ['draining', 'failed', { isDraining: () => true }, 'stopping'],
  ['migrations', 'failed', { monitor: { checks: () => ({ migrations: { status: 'failed', detail: 'why' } }) } }, 'why'],
] as const)('%s is %s for %j, and says why', (name, status, changes, detail) => {
  const { [name]: check, ...others } = checksOf(changes)
  expect(check).toEqual({ status, detail: expect.stringContaining(detail) })
  for (const other of Object.values(others)) expect(other).toEqual({ status: 'ok' })
})
