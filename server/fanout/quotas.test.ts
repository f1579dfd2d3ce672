import { expect, test } from 'bun:test'
import { Quotas } from './quotas.ts'

const alice = { subject: 'alice', address: '192.0.2.1' }

test('a subject has no more streams than allowed, from whatever address, until one ends', () => {
  const quotas = new Quotas({ perSubject: 2, perAddress: 0 })
  quotas.add(alice)
  const end = quotas.add({ ...alice, address: '192.0.2.2' })
  expect(quotas.exceededBy({ ...alice, address: '192.0.2.3' })).toBe('streams_per_subject')
  expect(quotas.exceededBy({ ...alice, subject: 'bob' })).toBeUndefined()
  end()
  expect(quotas.exceededBy(alice)).toBeUndefined()
})

test('an address has no more streams than allowed, of whatever subject', () => {
  const quotas = new Quotas({ perSubject: 0, perAddress: 1 })
  quotas.add(alice)
  expect(quotas.exceededBy({ subject: 'bob', address: alice.address })).toBe('streams_per_address')
  expect(quotas.exceededBy({ subject: 'bob', address: '192.0.2.2' })).toBeUndefined()
})

test('without a subject or an address there is no limit', () => {
  const quotas = new Quotas({ perSubject: 1, perAddress: 1 })
  for (let index = 0; index < 3; index++) quotas.add({ subject: null, address: '' })
  expect(quotas.exceededBy({ subject: null, address: '' })).toBeUndefined()
})

test('nothing is kept of streams that have ended', () => {
  const quotas = new Quotas({ perSubject: 5, perAddress: 5 })
  const ends = [quotas.add(alice), quotas.add(alice)]
  expect(quotas.size).toBe(2)
  for (const end of ends) end()
  expect(quotas.size).toBe(0)
})
