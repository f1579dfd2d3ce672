import { describe, expect, test } from 'bun:test'
import { Elysia, t } from 'elysia'
import { toJsonResponse } from './json-response.ts'

const app = new Elysia()
  .mapResponse({ as: 'global' }, toJsonResponse)
  .get('/object', () => ({ a: 1 }), { response: t.Object({ a: t.Number() }) })
  .get('/list', () => [1, 2])
  .get('/created', ({ set }) => {
    set.status = 201
    set.headers.location = '/object'
    return { id: 1 }
  })
  .get('/text', () => 'plain')
  .get('/own', () => new Response('{}'))
  .get('/none', ({ set }) => {
    set.status = 204
  })

const get = async (path: string) => {
  const response = await app.handle(new Request(`http://localhost${path}`))
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe('a JSON response', () => {
  test.each([
    ['/object', '{"a":1}\n'],
    ['/list', '[1,2]\n'],
  ])('of %s ends in a line feed', async (path, text) => {
    const response = await get(path)
    expect([response.status, response.text]).toEqual([200, text])
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  test('keeps the status and the headers that the handler has set', async () => {
    const { status, headers, text } = await get('/created')
    expect([status, headers.get('location'), text]).toEqual([201, '/object', '{"id":1}\n'])
  })
})

test('responses that are not JSON are left as they are', async () => {
  expect((await get('/text')).text).toBe('plain')
  expect((await get('/own')).text).toBe('{}')
  expect(await get('/none')).toMatchObject({ status: 204, text: '' })
})
