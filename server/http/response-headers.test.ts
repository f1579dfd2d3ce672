import { expect, test } from 'bun:test'
import { asCreated, type ResponseSettings, withCursor, withVersion } from './response-headers.ts'

test('what is read has its cursor and its version in headers too', () => {
  const set: ResponseSettings = { headers: {} }
  const read = { id: 1, version: 3, cursor: 42 }
  expect(withVersion(set, withCursor(set, read))).toBe(read)
  expect(set).toEqual({ headers: { 'x-cursor': '42', etag: '"3"' } })
})

test('what is created has its address, and the status 201 unless work is left to do', () => {
  const set: ResponseSettings = { headers: {} }
  const order = { id: 17, version: 1 }
  expect(asCreated(set, order, '/api/orders')).toBe(order)
  expect(set).toEqual({ status: 201, headers: { location: '/api/orders/17', etag: '"1"' } })
  asCreated(set, order, '/api/tasks', 202)
  expect(set).toMatchObject({ status: 202, headers: { location: '/api/tasks/17' } })
})
