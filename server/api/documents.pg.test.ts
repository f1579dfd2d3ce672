import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' }
import { Validator } from '@seriousme/openapi-schema-validator'
import { Value } from '@sinclair/typebox/value'
import Ajv from 'ajv'
import Ajv2020 from 'ajv/dist/2020'
import { ERRORS, type ErrorCode } from '../protocol/error-codes.ts'
import { problemSchema } from '../protocol/problem.ts'
import type { Runtime } from '../runtime.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openStream } from '../testing/stream-reader.ts'

type Json = Record<string, never>

let database: TestDatabase
let instance: Runtime & AsyncDisposable
let openApi: Json & { paths: Record<string, Record<string, Json>> }
let asyncApi: Json & {
  channels: Record<string, { messages: Record<string, { payload: object; examples: { payload: unknown }[] }> }>
}

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
  const get = async (path: string) => (await fetch(`${instance.url}${path}`)).json()
  openApi = await get('/openapi.json')
  asyncApi = await get('/asyncapi.json')
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const validators = new WeakMap<object, Ajv2020>()

/** Checks a value against a schema of a document, in which it may refer to others. */
function problems(document: object, schema: object, value: unknown): unknown {
  const ajv = validators.get(document) ?? new Ajv2020({ strict: false, validateFormats: false })
  if (!validators.has(document)) validators.set(document, ajv.addSchema({ ...document, $id: 'document' }))
  const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'))
  const validate = ajv.compile(absolute)
  return validate(value) ? null : validate.errors
}

const operations = () =>
  Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
  )

describe('the OpenAPI document', () => {
  test('is valid', async () => {
    const result = await new Validator().validate(openApi)
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  test('lists every route', () => {
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([
      'DELETE /api/orders/{id}',
      'DELETE /api/tasks/{id}',
      'DELETE /session',
      'GET /api/cluster',
      'GET /api/notifications',
      'GET /api/orders',
      'GET /api/orders/count',
      'GET /api/orders/{id}',
      'GET /api/tasks',
      'GET /api/tasks/count',
      'GET /api/tasks/{id}',
      'GET /api/tasks/{id}/files/{name}',
      'GET /asyncapi.json',
      'GET /events',
      'GET /healthz',
      'GET /metrics',
      'GET /openapi.json',
      'GET /readyz',
      'GET /session',
      'HEAD /events',
      'PATCH /api/tasks/{id}',
      'POST /api/lab/faults',
      'POST /api/notifications',
      'POST /api/notifications/read',
      'POST /api/notifications/{id}/read',
      'POST /api/orders',
      'POST /api/orders/import',
      'POST /api/orders/{id}/transitions',
      'POST /api/tasks',
      'POST /api/tasks/{id}/cancel',
      'POST /api/tasks/{id}/retry',
      'POST /events',
      'POST /session',
    ])
  })

  test('has a summary, a response and an example for each route, which fits its schema', () => {
    for (const [name, operation] of operations()) {
      const { summary, responses, requestBody } = operation as unknown as {
        summary: string
        responses: Record<string, { content?: Record<string, { schema?: object; example?: unknown }> }>
        requestBody?: { content: Record<string, { schema?: object; example?: unknown }> }
      }
      expect(summary, name).toBeString()
      const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
      expect(successes.length, name).toBeGreaterThan(0)
      const bodies = [requestBody, ...successes.map(([, response]) => response)]
      for (const media of bodies.flatMap((body) => Object.values(body?.content ?? {}))) {
        expect(media.example, name).toBeDefined()
        if (media.schema) expect(problems(openApi, media.schema, media.example), name).toBeNull()
      }
    }
  })

  test('has the patterns, the defaults and the repetitions of parameters', () => {
    const parameters = new Map<string, { schema: Record<string, unknown>; example?: unknown }>()
    for (const [name, operation] of operations()) {
      const { parameters: all = [] } = operation as unknown as {
        parameters?: { in: string; name: string; schema: Record<string, unknown>; example?: unknown }[]
      }
      for (const parameter of all) parameters.set(`${name} ${parameter.in} ${parameter.name}`, parameter)
    }
    const schemaOf = (name: string) => parameters.get(name)?.schema
    expect(schemaOf('GET /api/notifications query unread')).toMatchObject({ type: 'boolean', default: false })
    expect(schemaOf('GET /events query type')).toMatchObject({ type: 'array', items: { type: 'string' } })
    expect(schemaOf('GET /events query limit')).toMatchObject({ default: 100 })
    const patterns = {
      'POST /api/orders header X-User': ['alice', 'a b'],
      'POST /api/orders header X-Client-Id': ['page-7', ''],
      'POST /api/orders header Idempotency-Key': ['a1', 'a\n'],
      'DELETE /api/orders/{id} header If-Match': ['"3", "4"', '3'],
      'GET /events query clientId': ['page-7', ''],
      'GET /events query after': ['41', '41-'],
      'GET /events query before': ['41-k3f9', 'earliest'],
      'POST /api/orders/import query name': ['orders.csv', ''],
    }
    for (const [name, [good, bad]] of Object.entries(patterns)) {
      const schema = schemaOf(name) ?? {}
      expect([name, problems(openApi, schema, good)]).toEqual([name, null])
      expect([name, problems(openApi, schema, bad)]).not.toEqual([name, null])
    }
    for (const [name, { schema, example }] of parameters) {
      if (example !== undefined) expect([name, problems(openApi, schema, example)]).toEqual([name, null])
    }
  })

  test('names the errors of a header only where the header is read', () => {
    for (const [name, operation] of operations()) {
      const { parameters = [], responses } = operation as unknown as {
        parameters?: { name: string }[]
        responses: object
      }
      for (const [header, code] of [
        ['X-User', 'user.invalid'],
        ['X-Client-Id', 'client_id.invalid'],
      ] as const) {
        if (name.includes('/events')) continue
        const isRead = parameters.some((parameter) => parameter.name === header)
        expect([name, JSON.stringify(responses).includes(`"${code}"`)]).toEqual([name, isRead])
      }
    }
  })

  test('documents every error of the catalogue, beside AsyncAPI, which has those of WebSockets', () => {
    const text = JSON.stringify([openApi, asyncApi])
    // Of requests that no route handles.
    const outside = ['method.not_allowed', 'route.unknown']
    const missing = Object.keys(ERRORS).filter((code) => !text.includes(`"code":"${code}"`))
    expect(missing.sort()).toEqual(outside)
  })

  test('has examples of errors that fit their schemas', () => {
    const examples = new Map<string, unknown>()
    for (const [, operation] of operations()) {
      const { responses } = operation as unknown as {
        responses: Record<string, { content?: Record<string, { examples?: Record<string, { value: unknown }> }> }>
      }
      const byStatus = Object.values(responses).map(({ content }) => content?.['application/problem+json']?.examples)
      for (const [code, { value }] of byStatus.flatMap((of) => Object.entries(of ?? {}))) examples.set(code, value)
    }
    const all = { type: 'array', items: { $ref: '#/components/schemas/Problem' } }
    expect(problems(openApi, all, [...examples.values()])).toBeNull()
    for (const [code, value] of examples) {
      expect([code, [...Value.Errors(problemSchema(code as ErrorCode), value)]]).toEqual([code, []])
    }
    expect(examples.size).toBeGreaterThan(50)
  })
})

describe('the AsyncAPI document', () => {
  test('is valid', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
    const validate = ajv.compile(asyncApiSchema)
    validate(asyncApi)
    expect(validate.errors).toBeNull()
  })

  test('has an example for each event, which fits its schema', () => {
    for (const { messages } of Object.values(asyncApi.channels)) {
      for (const [type, { payload, examples }] of Object.entries(messages)) {
        expect(problems(asyncApi, payload, examples[0]?.payload), type).toBeNull()
      }
    }
  })

  test('fits what is published', async () => {
    await using reader = await openStream(instance.url, ['orders.>', 'tasks.>', 'notifications.>', 'broadcast'])
    const post = async (path: string, body?: object) =>
      (
        await fetch(`${instance.url}/api/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-user': 'alice' },
          ...(body && { body: JSON.stringify(body) }),
        })
      ).json()
    const lines = [{ sku: 'A1', name: 'Tea', quantity: 1, unitPrice: 100 }]
    const order = await post('orders', { customer: 'alice', currency: 'EUR', lines })
    for (const to of ['paid', 'packed', 'shipped', 'delivered']) await post(`orders/${order.id}/transitions`, { to })
    await fetch(`${instance.url}/api/orders/${order.id}`, { method: 'DELETE' })
    await post('tasks', { kind: 'demo', input: { seconds: 0.3 } })
    const cancelled = await post('tasks', { kind: 'demo', input: { seconds: 60 } })
    await fetch(`${instance.url}/api/tasks/${cancelled.id}/cancel`, { method: 'POST' })
    await reader.until(({ frames }) => frames.some(({ event }) => event === 'task.cancelled'))
    await fetch(`${instance.url}/api/tasks/${cancelled.id}`, { method: 'DELETE' })
    const notification = await post('notifications', { to: ['alice'], title: 'Hello' })
    await post(`notifications/${notification.id}/read`)
    await post('notifications', { to: 'everyone', title: 'Hello', link: '/' })
    await reader.until(({ frames }) =>
      ['task.succeeded', 'task.deleted'].every((type) => frames.some(({ event }) => event === type)),
    )
    await reader.until(({ events }) => events.some(({ channel }) => channel === 'broadcast'))
    for (const { position: _, ...event } of reader.events) {
      const channel = asyncApi.channels[event.channel.split('.')[0] ?? '']
      const message = channel?.messages[event.type]
      expect(message, event.type).toBeDefined()
      expect(problems(asyncApi, message?.payload ?? {}, event), event.type).toBeNull()
    }
    expect(new Set(reader.events.map(({ type }) => type)).size).toBeGreaterThan(12)
  })
})
