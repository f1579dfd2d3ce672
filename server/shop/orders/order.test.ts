import { describe, expect, test } from 'bun:test'
import { checkDeletable, checkTransition, NEXT, totalOf } from './order.ts'
import { type OrderStatus, STATUSES } from './schema.ts'

describe('a transition of an order', () => {
  const legal = new Set([
    'pending paid',
    'pending cancelled',
    'paid packed',
    'paid cancelled',
    'packed shipped',
    'packed cancelled',
    'shipped delivered',
  ])
  const pairs = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as [OrderStatus, OrderStatus]))

  test.each(pairs)('%s → %s', (status, to) => {
    const check = () => checkTransition({ id: 1, status }, to)
    if (legal.has(`${status} ${to}`)) expect(check).not.toThrow()
    else {
      expect(check).toThrow(
        expect.objectContaining({
          code: 'order.illegal_transition',
          status: 409,
          extensions: { allowed: NEXT[status], current: status },
          message: expect.stringContaining(
            NEXT[status].length > 0 ? `It may become ${NEXT[status].join(' or ')}.` : 'Its status is final.',
          ),
        }),
      )
    }
  })
})

test.each(STATUSES.map((status) => [status]))(
  'an order that is %s: deleted only when it is pending or finished',
  (status) => {
    const check = () => checkDeletable({ id: 1, status })
    if (['pending', 'delivered', 'cancelled'].includes(status)) expect(check).not.toThrow()
    else expect(check).toThrow(expect.objectContaining({ code: 'order.not_deletable', status: 409 }))
  },
)

test('a total is exact, or the order is refused', () => {
  const line = { sku: 'a', name: 'a', quantity: 3, unitPrice: 450 }
  expect(totalOf([line, { ...line, quantity: 1 }])).toBe(1800)
  const huge = { ...line, quantity: 1_000_000, unitPrice: 1_000_000_000 }
  expect(() => totalOf(Array.from({ length: 100 }, () => huge))).toThrow(
    expect.objectContaining({ code: 'order.total_too_large' }),
  )
})
