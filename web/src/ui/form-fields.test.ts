import { expect, test } from 'bun:test'
import { fieldsOf } from './form-fields.ts'

test('trims the text of a field', () => {
  const data = new FormData()
  data.set('name', '  alice ')
  expect(fieldsOf(data)('name')).toBe('alice')
})

test('returns an empty text for fields that are missing or hold a file', () => {
  const data = new FormData()
  data.set('file', new File(['x'], 'x.csv'))
  expect(fieldsOf(data)('file')).toBe('')
  expect(fieldsOf(data)('other')).toBe('')
})
