import { describe, expect, test } from 'bun:test'
import { nearest, nearestRoute } from './nearest.ts'

describe('the nearest name', () => {
  const known = ['channel', 'clientId', 'after', 'before']

  test.each([
    ['channels', 'channel'],
    ['client_id', 'clientId'],
    ['CLIENTID', 'clientId'],
    ['chanel', 'channel'],
    ['chan', undefined],
    ['xyz', undefined],
    ['', undefined],
  ])('of %p is %p', (name, expected) => {
    expect(nearest(name, known)).toBe(expected as never)
  })

  test('is the first of those that are equally near', () => {
    expect(nearest('aac', ['aab', 'aad'])).toBe('aab')
  })

  test('is never one that shares no character with the name', () => {
    expect(nearest('xy', ['ab'])).toBeUndefined()
  })

  test('is found among names that are longer than what is compared', () => {
    expect(nearest(`a${'b'.repeat(10_000)}`, [`a${'b'.repeat(79)}`])).toBeDefined()
  })
})

describe('the nearest route', () => {
  const routes = ['/api/orders', '/api/orders/:id', '/api/orders/:id/transitions', '/api/tasks', '/events']

  test.each([
    ['/api/order', '/api/orders'],
    ['/api/order/17', '/api/orders/:id'],
    ['/api/orders/17/transition', '/api/orders/:id/transitions'],
    ['/orders/17', '/api/orders/:id'],
    ['/event', '/events'],
    ['/api/task/', '/api/tasks'],
    ['/api/customers', undefined],
    ['/', undefined],
  ])('of %p is %p', (path, expected) => {
    expect(nearestRoute(path, routes)).toBe(expected as never)
  })
})
