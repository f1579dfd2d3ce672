import { expect, test } from 'bun:test'
import { fieldsOf } from '../ui/form-fields.ts'
import { demoInput, reportInput } from './inputs.ts'

function fields(entries: Record<string, string>) {
  const data = new FormData()
  for (const [name, value] of Object.entries(entries)) data.set(name, value)
  return fieldsOf(data)
}

test('a report is limited to the days that are filled in', () => {
  expect(reportInput(fields({ from: '', to: '' }))).toEqual({})
  expect(reportInput(fields({ from: '2026-01-01', to: '' }))).toEqual({ from: '2026-01-01' })
  expect(reportInput(fields({ from: '2026-01-01', to: '2026-02-01' }))).toEqual({
    from: '2026-01-01',
    to: '2026-02-01',
  })
})

test('a demo fails half-way only when its box is checked', () => {
  expect(demoInput(fields({ seconds: '2.5' }))).toEqual({ seconds: 2.5 })
  expect(demoInput(fields({ seconds: '8', fails: 'on' }))).toEqual({ seconds: 8, fail_at: 50 })
})
