import type { Operation, Parameter, Schema } from './document.ts'
import type { FuzzRequest } from './request.ts'
import type { SchemaCheck } from './schema-check.ts'

/** In what a request does not fit the document: an operation that does not document it must not accept it. */
export function misfitsOf(request: FuzzRequest, operation: Operation, schemas: SchemaCheck): string[] {
  return [...ofParameters(request, operation, schemas), ...ofBody(request, operation, schemas)]
}

/** Probes, documents and `/session` take no parameter, and ignore those that monitoring adds. */
const isStrict = (path: string) => path === '/events' || path.startsWith('/api/')

function ofParameters(request: FuzzRequest, { path, parameters }: Operation, schemas: SchemaCheck): string[] {
  const query = new URL(request.target, 'http://localhost').searchParams
  const segments = request.target.replace(/[?#].*/s, '').split('/')
  const headers = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), value.trim()]))
  const valuesOf = ({ in: place, name }: Parameter): (string | undefined)[] => {
    // A server with keys ignores it.
    if (name === 'X-User') return []
    if (place === 'query') return query.getAll(name)
    if (place === 'header') return [headers.get(name.toLowerCase())].filter((value) => value !== '')
    return [decoded(segments[path.split('/').indexOf(`{${name}}`)])]
  }
  const known = new Set(parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name))
  const unknown = [...query.keys()]
    .filter((name) => isStrict(path) && !known.has(name))
    .map((name) => `no parameter ${name} is documented`)
  return [
    ...unknown,
    ...parameters.flatMap((parameter) =>
      valuesOf(parameter)
        .filter((value) => value !== undefined && !fits(parameter.schema, value, schemas))
        .map((value) => `${parameter.in} ${parameter.name} is ${JSON.stringify(value)}`),
    ),
  ]
}

function decoded(segment: string | undefined): string | undefined {
  try {
    return segment === undefined ? undefined : decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Whether the text of a parameter stands for a value of its schema. */
function fits(schema: Schema, text: string | undefined, schemas: SchemaCheck): boolean {
  const one = schema.type === 'array' ? (schema.items ?? {}) : schema
  const isText = one.type === 'string' || one.type === undefined
  return schemas.problems(one, isText ? text : parsed(text)).length === 0
}

function ofBody({ body, headers }: FuzzRequest, { bodies }: Operation, schemas: SchemaCheck): string[] {
  const schema = bodies['application/json']?.schema
  if (!schema) return []
  const type = headers.findLast(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  const wrong = /^application\/json\s*(?:;|$)/i.test(type) ? [] : [`the body has the type "${type}"`]
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  if (body && !Buffer.from(text).equals(body)) wrong.push('the body is not UTF-8')
  return [
    ...wrong,
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    ...schemas
      .problems(schema, parsed(text.replace(/^\ufeff/, '')))
      .map((problem) => `in the body, ${problem}: ${text.slice(0, 200)}`),
  ]
}

/** `undefined` when the text is no JSON. */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
