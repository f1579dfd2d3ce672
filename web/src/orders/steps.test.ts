import { expect, test } from 'bun:test'
import * as server from '../../../server/shop/orders/order.ts'
import { groupByStatus, NEXT, STATUSES, VERBS } from './steps.ts'

test('the dashboard offers the transitions that the server allows', () => {
  expect(NEXT).toEqual(server.NEXT)
})

test('every transition has a verb', () => {
  for (const to of Object.values(NEXT).flat()) expect(VERBS[to], to).toBeString()
})

test('groups orders by status, keeps their order, and leaves out those that are gone', () => {
  const orders = { 5: 'paid', 4: 'pending', 3: 'paid' } as const
  const columns = groupByStatus([5, 4, 3, 2], (id) => orders[id as keyof typeof orders])
  expect(Object.keys(columns)).toEqual([...STATUSES])
  expect(columns.paid).toEqual([5, 3])
  expect(columns.pending).toEqual([4])
  expect(columns.shipped).toEqual([])
})
