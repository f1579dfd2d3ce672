import { expect, test } from 'bun:test'
import { Reachability } from './reachability.ts'

test('the server counts as lost when no lane has got through for a second', () => {
  const reachability = new Reachability()
  reachability.update(['waiting', 'connecting'], 100)
  expect([reachability.isUp, reachability.isLost(1099), reachability.isLost(1100)]).toEqual([false, false, true])
  reachability.update(['connecting', 'connecting'], 1200)
  expect(reachability.isLost(1200)).toBe(true)
  reachability.update(['waiting', 'live'], 1300)
  expect([reachability.isUp, reachability.isLost(9999)]).toEqual([true, false])
})

test('lanes that connect for the first time, and lanes that were refused, say nothing about the server', () => {
  const reachability = new Reachability()
  reachability.update(['connecting', 'connecting'], 0)
  reachability.update(['connecting', 'connecting'], 5000)
  reachability.update(['refused', 'waiting'], 6000)
  expect([reachability.isUp, reachability.isLost(9000)]).toEqual([true, false])
})
