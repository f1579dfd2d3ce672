import { describe, expect, test } from 'bun:test'
import { asyncApiDocument } from '../api/asyncapi.ts'
import { problemExample } from '../protocol/problem.ts'
import { controlEventsOf, controlViolations } from './control-check.ts'
import { type OpenApi, problemViolations } from './problem-check.ts'
import { failOnViolations, watchResponse } from './wire-check.ts'

const documented = (...codes: string[]) => ({
  content: { 'application/problem+json': { examples: Object.fromEntries(codes.map((code) => [code, {}])) } },
})
const OPEN_API: OpenApi = {
  paths: {
    '/api/orders/{id}': { get: { responses: { 404: documented('order.unknown') } } },
    '/api/orders/count': { get: { responses: { 503: documented('database.unavailable') } } },
  },
}

const unknownOrder = problemExample('order.unknown')
const check = (problem: unknown, { path = '/api/orders/17', method = 'GET', status = 404 } = {}) =>
  problemViolations({ method, path, status, text: JSON.stringify(problem) }, OPEN_API)

describe('a problem document', () => {
  test('fits when its code, members and operation are documented', () => {
    expect(check(unknownOrder)).toEqual([])
    expect(check(unknownOrder, { method: 'HEAD', path: '/api/orders/17/' })).toEqual([])
  })

  test.each([
    ['a code that the catalogue does not have', { ...unknownOrder, code: 'order.missing' }, 'no such code'],
    ['a title that is not the reason phrase of the status', { ...unknownOrder, title: 'Missing' }, '/title'],
    ['no detail', { ...unknownOrder, detail: undefined }, '/detail'],
    ['a member that the catalogue does not have', { ...unknownOrder, id: 17 }, '/id'],
    ['another status than the catalogue', { ...unknownOrder, status: 410 }, '/status'],
  ])('does not fit with %s', (_, problem, violation) => {
    expect(check(problem).join('\n')).toContain(violation)
  })

  test('does not fit without a member that the catalogue has, or with one of another type', () => {
    const { allowed, ...problem } = problemExample('order.illegal_transition')
    expect(check(problem, { status: 409 }).join('\n')).toContain('/allowed')
    expect(check({ ...problem, allowed: 'paid' }, { status: 409 }).join('\n')).toContain('/allowed')
  })

  test('does not fit a response with another status', () => {
    expect(check(unknownOrder, { status: 400 })[0]).toContain('the catalogue says 404')
  })

  test('does not fit an operation that does not document it', () => {
    expect(check(unknownOrder, { path: '/api/orders/count' })[0]).toContain('does not document it')
    expect(check(unknownOrder, { method: 'DELETE' })[0]).toContain('does not document it')
    expect(check(unknownOrder, { path: '/api/other/17' })[0]).toContain('does not document it')
  })

  test('fits outside of all operations when it says that there is none', () => {
    expect(check(problemExample('route.unknown'), { path: '/nothing' })).toEqual([])
    expect(check(problemExample('method.not_allowed'), { method: 'PUT', status: 405 })).toEqual([])
  })
})

describe('a control event', () => {
  test.each([
    ['heartbeat', { time: '2026-11-21T10:00:00.000Z' }],
    ['gap', { from: null, to: 7, reason: 'unknown' }],
    ['closing', { reason: 'drain', retry: 120 }],
  ])('%s fits the AsyncAPI document', (type, data) => {
    expect(controlViolations(type, JSON.stringify(data))).toEqual([])
  })

  test.each([
    ['heartbeat', {}],
    ['heartbeat', { time: 'now' }],
    ['gap', { from: null, to: 7, reason: 'forgotten' }],
    ['gap', { to: 7, reason: 'lost' }],
    ['closing', { reason: 'drain', retry: '120' }],
    ['closing', { reason: 'drain', retry: 120, until: 5 }],
  ])('%s does not fit with %p', (type, data) => {
    expect(controlViolations(type, JSON.stringify(data))).not.toEqual([])
  })

  test('does not fit when it is not JSON', () => {
    expect(controlViolations('ready', '{')).toEqual([expect.stringContaining('not JSON')])
  })

  test('is checked by the document, not by the schema of the server', () => {
    const document = JSON.parse(JSON.stringify(asyncApiDocument('test')))
    document.components.schemas.Heartbeat.properties.time.type = 'integer'
    const data = JSON.stringify({ time: '2026-11-21T10:00:00.000Z' })
    expect(controlEventsOf(document).get('heartbeat')?.(data)).toEqual([expect.stringContaining('must be integer')])
  })
})

test('a response that does not fit fails the test that receives it by fetch, once', async () => {
  await using server = Bun.serve({
    port: 0,
    fetch: () => Response.json({ code: 'nothing' }, { headers: { 'content-type': 'application/problem+json' } }),
  })
  const response = await fetch(server.url)
  expect(await response.json()).toEqual({ code: 'nothing' })
  await expect(failOnViolations()).rejects.toThrow('no such code')
  await failOnViolations()
})

test('a response of another type is left alone', async () => {
  watchResponse('GET', 'http://localhost/', Response.json({ code: 'nothing' }, { status: 404 }))
  await failOnViolations()
})
