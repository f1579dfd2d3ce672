import { toOpenAPISchema } from '@elysiajs/openapi/openapi'
import type { TSchema } from '@sinclair/typebox'
import type { AnyElysia } from 'elysia'
import type { OpenAPIV3 } from 'openapi-types'
import { SECURE_NAME } from '../auth/session-cookie.ts'
import { problemsOf, RECEIVING } from '../http/describe-route.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { Problem } from '../protocol/problem.ts'
import { exampleOf } from './schema-example.ts'
import { hoist } from './schema-refs.ts'

type Operation = OpenAPIV3.OperationObject & {
  'x-parameters'?: OpenAPIV3.ParameterObject[]
  'x-responses'?: Record<string, OpenAPIV3.ResponseObject>
  'x-response-headers'?: Record<string, OpenAPIV3.HeaderObject>
}

/** Errors of every route: those of `http/front-door.ts`, and a failure of the server. */
const OF_ALL: readonly ErrorCode[] = ['host.invalid', 'host.unknown', 'internal', 'origin.foreign']
/** Errors of every route that asks who sends the request: of credentials, where the server has keys, and of names. */
const OF_SECURED: readonly ErrorCode[] = [
  'access.denied',
  'auth.required',
  'client_id.invalid',
  'key.unknown',
  'origin.required',
  'token.expired',
  'token.invalid',
  'token.revoked',
  'token.unverifiable',
  'user.invalid',
]
/** Routes that need none: probes, documents and files of the dashboard. */
const isOpen = (path: string) => !/^\/(?:api\/|events$|metrics$|session$)/.test(path)
/** Errors of every route below `/api/`. */
const COMMON: readonly ErrorCode[] = [
  'request.invalid',
  'parameter.repeated',
  'database.unavailable',
  'database.unknown',
  'request.too_fast',
]
/** Errors of every route with a JSON body. */
const OF_BODIES: readonly ErrorCode[] = [
  ...RECEIVING,
  'body.invalid',
  'body.not_json',
  'body.too_large',
  'data.too_deep',
]

/**
 * The OpenAPI document (3.1) of an app, from the schemas of its routes. Elysia's own generator reads the routes; this adds
 * what it leaves out: errors, examples, headers, and the types of bodies that a function parses.
 */
export function openApiDocument(app: AnyElysia, version: string) {
  const { paths } = toOpenAPISchema(app, {
    methods: ['options'],
    paths: [/^\/assets/],
    staticFile: false,
  }) as unknown as {
    paths: Record<string, Record<string, Operation>>
  }
  const bodies = new Map(
    app.routes.map(({ method, path, hooks }) => [`${method} ${normal(path)}`, hooks?.body as TSchema | undefined]),
  )
  const schemas: Record<string, unknown> = {}
  hoist(Problem, schemas)
  const documented = Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      normal(path),
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => {
          const body = bodies.get(`${method.toUpperCase()} ${normal(path)}`)
          return [method, hoist(complete(operation, path, body), schemas)]
        }),
      ),
    ]),
  )
  return {
    openapi: '3.1.1',
    info: {
      title: 'sse-update',
      version,
      description:
        'Live updates over Server-Sent Events, from Postgres. The events of the streams are in /asyncapi.json. Errors are problem documents with a stable code.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: ['session', 'events', 'orders', 'tasks', 'notifications', 'operations'].map((name) => ({ name })),
    paths: documented,
    components: { schemas, securitySchemes: SECURITY_SCHEMES },
  }
}

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token (JWT) or a key; nothing where the server has no keys.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: SECURE_NAME,
    description:
      'The cookie that POST /session sets. Requests that change something with it must come from a page of the server. Over plain HTTP, at a name of the machine itself, it is named sse_session.',
  },
} as const

/** A path in OpenAPI's form: `/orders/:id/` and `/orders/{id}` are both `/orders/{id}`. */
const normal = (path: string) => path.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')

function complete(operation: Operation, path: string, body: TSchema | undefined): object {
  const {
    'x-parameters': parameters = [],
    'x-responses': extra = {},
    'x-response-headers': headers = {},
    requestBody,
    responses = {},
    ...rest
  } = operation
  const common = [
    ...OF_ALL,
    ...(isOpen(path) ? [] : OF_SECURED),
    ...(path.startsWith('/api/') ? [...COMMON, ...(body ? OF_BODIES : [])] : []),
  ]
  const content = body && {
    content: { 'application/json': { schema: body, example: exampleOf(body) } },
    required: true,
  }
  const succeeded = Object.entries({ ...responses, ...extra }).filter(([status]) => status.startsWith('2'))
  return {
    ...rest,
    ...(!isOpen(path) && { security: [{ bearer: [] }, { session: [] }, {}] }),
    ...((operation.parameters ?? parameters).length > 0 && {
      parameters: unique([...(operation.parameters ?? []), ...parameters] as OpenAPIV3.ParameterObject[]),
    }),
    ...((content ?? requestBody) && {
      requestBody: content ?? withExamples(requestBody as OpenAPIV3.RequestBodyObject),
    }),
    responses: {
      ...merged(problemsOf(common), extra),
      ...Object.fromEntries(
        succeeded.map(([status, response]) => [status, withExample(response as OpenAPIV3.ResponseObject, headers)]),
      ),
    },
  }
}

const unique = (parameters: OpenAPIV3.ParameterObject[]) => [
  ...new Map(
    parameters.map((parameter) => [
      `${parameter.in} ${parameter.name}`,
      { ...parameter, schema: plain(parameter.schema as OpenAPIV3.SchemaObject) },
    ]),
  ).values(),
]

/** Elysia's 0 of a number that has no default, which may be less than the number may be. */
const isPlaceholder = (variant: OpenAPIV3.SchemaObject, value: OpenAPIV3.SchemaObject | undefined) =>
  variant.default === 0 && (value?.minimum ?? 0) > 0

/** Elysia documents a number or a boolean of an address as a union of the value and its text: the value is enough. */
function plain(schema: OpenAPIV3.SchemaObject): OpenAPIV3.SchemaObject {
  const variants = (schema?.anyOf ?? []) as OpenAPIV3.SchemaObject[]
  const value = variants.find(({ type }) => type === 'integer' || type === 'boolean')
  const byDefault = variants.find((variant) => variant.default !== undefined && !isPlaceholder(variant, value))?.default
  return value ? { ...value, ...(byDefault !== undefined && { default: byDefault }) } : schema
}

function withExample(response: OpenAPIV3.ResponseObject, headers: Record<string, OpenAPIV3.HeaderObject>) {
  const { content = {}, description } = response
  return {
    description: description.startsWith('Response for status') ? 'Done.' : description,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(content).length > 0 && withExamples({ content })),
  }
}

/** A body with an example for each media type that has a schema. */
const withExamples = <B extends { content: Record<string, OpenAPIV3.MediaTypeObject> }>(body: B): B => ({
  ...body,
  content: Object.fromEntries(
    Object.entries(body.content).map(([type, media]) => [
      type,
      media.schema && media.example === undefined
        ? { ...media, example: exampleOf(media.schema as unknown as TSchema) }
        : media,
    ]),
  ),
})

/** The problems of a route and those of all routes: responses of one status are joined. */
function merged(
  one: Record<string, OpenAPIV3.ResponseObject>,
  other: Record<string, OpenAPIV3.ResponseObject>,
): Record<string, OpenAPIV3.ResponseObject> {
  const result = { ...one }
  for (const [status, response] of Object.entries(other)) {
    const problems = result[status]?.content?.['application/problem+json']
    const more = response.content?.['application/problem+json']
    if (!problems || !more) result[status] = response
    else {
      result[status] = {
        ...response,
        description: `${result[status]?.description}\n\n${response.description}`,
        content: { 'application/problem+json': { ...problems, examples: { ...problems.examples, ...more.examples } } },
      }
    }
  }
  return result
}
