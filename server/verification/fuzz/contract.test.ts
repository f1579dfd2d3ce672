import { describe, expect, test } from 'bun:test'
import { Contract } from './contract.ts'
import type { OpenApi } from './document.ts'
import type { Exchanged } from './exchange.ts'
import type { FuzzRequest } from './request.ts'

const problemsOf = (code: string) => ({ content: { 'application/problem+json': { examples: { [code]: {} } } } })

const document = {
  paths: {
    '/things': {
      post: {
        parameters: [{ name: 'size', in: 'query', schema: { type: 'integer', minimum: 1 } }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
        responses: {
          201: {
            headers: { ETag: {} },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          400: problemsOf('request.invalid'),
          500: problemsOf('internal'),
          503: problemsOf('database.unavailable'),
        },
      },
    },
  },
  components: { schemas: { Thing: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } } },
} as unknown as OpenApi

const request = (more: Partial<FuzzRequest> = {}): FuzzRequest => ({
  operation: 'POST /things',
  kind: 'near',
  method: 'POST',
  target: '/things',
  headers: [['content-type', 'application/json']],
  body: Buffer.from('{"name":"a"}'),
  ...more,
})

const response = (status: number, body: object | string, headers: Record<string, string> = {}): Exchanged => ({
  outcome: 'response',
  status,
  headers: new Map(Object.entries({ 'content-type': 'application/json', etag: '"1"', ...headers })),
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

const problem = (status: number, code: string, title: string, headers: Record<string, string> = {}, more = {}) =>
  response(
    status,
    { type: 'about:blank', title, status, detail: 'Wrong.', code, ...more },
    { 'content-type': 'application/problem+json', ...headers },
  )
const INVALID = problem(400, 'request.invalid', 'Bad Request', {}, { in: 'body', path: 'name' })

const violations = (sent: FuzzRequest, received: Exchanged) => new Contract(document).violations(sent, received)

describe('a response is accepted', () => {
  test('when the document has its status, headers, type and schema', () => {
    expect(violations(request(), response(201, { name: 'a' }))).toEqual([])
  })

  test('when it is a problem document with a code of its operation', () => {
    expect(violations(request(), INVALID)).toEqual([])
  })

  test('when none comes to a request whose body is shorter than it says', () => {
    const closed = { ...response(0, ''), outcome: 'closed' as const }
    expect(violations(request({ framing: 'less' }), closed)).toEqual([])
  })
})

describe('a response is a violation', () => {
  const cases: [what: string, sent: FuzzRequest, received: Exchanged, message: string][] = [
    ['without an end', request(), { ...response(0, ''), outcome: 'hang' }, 'stays open'],
    ['that is cut off', request(), { ...response(0, ''), outcome: 'closed' }, 'closed'],
    ['of a status that is not documented', request(), response(200, { name: 'a' }), 'not documented'],
    ['with a body of another schema', request(), response(201, { name: 1 }), '/name must be string'],
    ['of a type that is not documented', request(), response(201, '', { 'content-type': 'text/html' }), 'text/html'],
    ['with a failure, although it is documented', request(), problem(500, 'internal', 'Internal Server Error'), '500'],
    ['with an error that is no problem document', request(), response(400, 'no'), 'no problem document'],
    ['with a code of another operation', request(), problem(400, 'time.invalid', 'Bad Request'), 'does not document'],
    ['with an unknown code', request(), problem(400, 'x', 'Bad Request'), 'no such code'],
    [
      'of an unavailable database that names no time to wait',
      request(),
      problem(503, 'database.unavailable', 'Service Unavailable'),
      'Retry-After',
    ],
    ['that refuses a request which fits the document', request({ kind: 'valid' }), INVALID, 'a valid request'],
    [
      'that accepts a body of another schema',
      request({ body: Buffer.from('{}') }),
      response(201, { name: 'a' }),
      'in the body',
    ],
    [
      'that accepts a body of no JSON',
      request({ body: Buffer.from('{') }),
      response(201, { name: 'a' }),
      'in the body',
    ],
    [
      'that accepts a body of bytes that are no UTF-8',
      request({ body: Buffer.from('{"name":"\xff"}', 'latin1') }),
      response(201, { name: 'a' }),
      'UTF-8',
    ],
    [
      'that accepts a value no parameter may have',
      request({ target: '/things?size=0' }),
      response(201, { name: 'a' }),
      'size',
    ],
  ]
  test.each(cases)('%s', (_, sent, received, message) => {
    expect(violations(sent, received).join('\n')).toContain(message)
  })

  test('without a header that is documented', () => {
    const { headers, ...rest } = response(201, { name: 'a' })
    const without = new Map([...headers].filter(([name]) => name !== 'etag'))
    expect(violations(request(), { ...rest, headers: without })).toEqual(['201 without the header ETag'])
  })
})
