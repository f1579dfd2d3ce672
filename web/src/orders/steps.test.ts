import { expect, test } from 'bun:test'
import * as server from '../../../server/shop/orders/order.ts'
import { NEXT } from './steps.ts'

test('the dashboard offers the steps that the server allows', () => {
  expect(NEXT).toEqual(server.NEXT)
})
