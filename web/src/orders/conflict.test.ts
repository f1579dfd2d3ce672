import { expect, test } from 'bun:test'
import type { Order } from '../../../server/shop/orders/schema.ts'
import { conflictMessage, isConflict } from './conflict.ts'

test('a stale version and a transition that is no longer allowed are conflicts, other errors are not', () => {
  expect(['order.version_conflict', 'order.illegal_transition', 'network', ''].map(isConflict)).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test('names the status that the order has, and the one that it did not get', () => {
  const message = conflictMessage(7, 'paid', { status: 'cancelled' } as Order)
  expect(message).toContain('Order 7 was not changed to paid')
  expect(message).toContain('changed it to cancelled')
})

test('says that a deleted order was deleted', () => {
  expect(conflictMessage(7, 'paid', undefined)).toBe('Order 7 was deleted.')
})
