import { expect, test } from 'bun:test'
import { recipientsOf } from './recipients.ts'

test('recipients are separated by commas, spaces or both', () => {
  expect(recipientsOf('alice, bob  carol,dave\n')).toEqual(['alice', 'bob', 'carol', 'dave'])
  expect(recipientsOf(' , ')).toEqual([])
})
