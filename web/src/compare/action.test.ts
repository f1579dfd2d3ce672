import { describe, expect, test } from 'bun:test'
import { Action, PATIENCE } from './action.ts'

const clean = { missing: 0, duplicated: 0, reordered: 0 }
const begun = (duration?: number) => {
  const action = new Action('cut', 1000, 10, duration)
  action.join('a', { missing: 1, duplicated: 2, reordered: 3 }, 9)
  return action
}

describe('an action', () => {
  test('measures the time from its end until a lane has everything that was published until then', () => {
    const action = begun()
    action.end(2000, 13)
    action.arrived('a', 11, 900, 2300)
    expect(action.outcomeOf('a', clean, 20)).toMatchObject({ events: 3, left: 1, recovery: undefined, slowest: 900 })
    expect(action.isSettled(2300)).toBe(false)
    action.arrived('a', 12, 400, 2400)
    action.arrived('a', 13, 5000, 9000)
    expect(action.outcomeOf('a', clean, 20)).toMatchObject({ events: 3, left: 0, recovery: 400, slowest: 900 })
    expect(action.isSettled(2400)).toBe(true)
  })

  test('is complete at its end on a lane that has everything already', () => {
    const action = begun()
    action.arrived('a', 10, 5, 1500)
    action.end(2000, 11)
    expect(action.outcomeOf('a', clean, 11)).toMatchObject({ events: 1, left: 0, recovery: 0 })
  })

  test('counts what went wrong since it began, until the lane was complete', () => {
    const action = begun()
    action.end(2000, 11)
    action.arrived('a', 10, 5, 2100)
    const wrong = { missing: 2, duplicated: 4, reordered: 6 }
    expect(action.outcomeOf('a', wrong, 11)).toMatchObject({ missing: 1, duplicated: 2, reordered: 3 })
    const later = { missing: 9, duplicated: 9, reordered: 9 }
    expect(action.outcomeOf('a', later, 11)).toMatchObject({ missing: 1, duplicated: 2, reordered: 3 })
  })

  test('is settled without a lane that is late', () => {
    const action = begun()
    expect(action.isSettled(1000)).toBe(false)
    action.end(2000, 20)
    expect([action.isSettled(2000 + PATIENCE), action.isSettled(2001 + PATIENCE)]).toEqual([false, true])
  })

  test('ends once, and knows when it will', () => {
    const action = begun(5000)
    expect([action.endsAt, action.isRunning, begun().endsAt]).toEqual([6000, true, undefined])
    action.end(2000, 11)
    action.end(3000, 99)
    expect([action.isRunning, action.outcomeOf('a', clean, 99)?.events]).toEqual([false, 1])
  })

  test('delays what is on its way until it ends', () => {
    const action = begun()
    expect(action.delays(1, 1500)).toBe(true)
    action.end(2000, 11)
    expect([action.delays(600, 2500), action.delays(100, 2500)]).toEqual([true, false])
  })

  test('knows nothing of a lane that did not join', () => {
    const action = begun()
    action.arrived('b', 10, 1, 1)
    expect(action.outcomeOf('b', clean, 11)).toBeUndefined()
  })
})
