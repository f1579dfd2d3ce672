import { expect, test } from 'bun:test'
import { MINUTE } from '../platform/time.ts'
import { createReportBlocked } from './blocked-origins.ts'

function setup() {
  const lines: { origin: string; path: string }[] = []
  let now = 0
  const warn = (line: { origin: string; path: string }, hint: string) => {
    expect(hint).toContain('ALLOWED_ORIGINS')
    lines.push(line)
  }
  const report = createReportBlocked({ warn: warn as never }, () => now)
  const block = (origin: string, path = '/events?token=x') =>
    report(new Request(`http://localhost${path}`, { headers: { origin } }))
  return { lines, block, pass: (ms: number) => (now += ms) }
}

test('logs a blocked origin with its path, without the query, once in ten minutes', () => {
  const { lines, block, pass } = setup()
  block('https://a.example')
  block('https://a.example', '/api/orders')
  expect(lines).toEqual([{ origin: 'https://a.example', method: 'GET', path: '/events' } as never])
  pass(10 * MINUTE)
  block('https://a.example')
  expect(lines).toHaveLength(2)
})

test('logs ten lines a minute, however many origins there are', () => {
  const { lines, block, pass } = setup()
  for (let index = 0; index < 1000; index++) block(`https://${index}.example`)
  expect(lines).toHaveLength(10)
  pass(MINUTE)
  block('https://last.example')
  expect(lines).toHaveLength(11)
})

test('logs no more than the beginning of a long origin', () => {
  const { lines, block } = setup()
  block(`https://${'a'.repeat(10_000)}.example`)
  expect(lines[0]?.origin).toHaveLength(200)
})
