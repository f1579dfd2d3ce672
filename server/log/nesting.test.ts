import { expect, test } from 'bun:test'
import { isNestedDeeper } from './nesting.ts'

const arrays = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

test('JSON is nested deeper than allowed when its arrays and objects together are', () => {
  for (const nested of [arrays, objects]) {
    expect(isNestedDeeper(nested(50), 50)).toBe(false)
    expect(isNestedDeeper(nested(51), 50)).toBe(true)
  }
  expect(isNestedDeeper(`${'[{"a":'.repeat(30)}1${'}]'.repeat(30)}`, 50)).toBe(true)
})

test('arrays beside each other add no level', () => {
  expect(isNestedDeeper(`[${Array(100).fill('[]').join(',')}]`, 2)).toBe(false)
})

test('brackets within strings add no level', () => {
  const text = JSON.stringify(['[[[['.repeat(20), '\\', '"[[[["'.repeat(20), '{'])
  expect(isNestedDeeper(text, 1)).toBe(false)
  expect(isNestedDeeper(`[${text}]`, 1)).toBe(true)
})
