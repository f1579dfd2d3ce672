import fc from 'fast-check'
import type { Operation, Parameter } from './document.ts'
import type { Header } from './headers.ts'
import type { FuzzRequest, Parts } from './request.ts'
import { changesOf } from './request-changes.ts'
import { valuesOf } from './schema-values.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Requests of an operation: valid ones, some that are wrong in one place, and some that are wrong in several. */
export function requestsOf(operation: Operation): fc.Arbitrary<FuzzRequest> {
  const valid = validParts(operation)
  const as = (kind: FuzzRequest['kind'], parts: fc.Arbitrary<Parts>, method: fc.Arbitrary<string>) =>
    fc.tuple(parts, method).map(([more, verb]) => ({ operation: operation.name, kind, method: verb, ...more }))
  const own = fc.constant(operation.method)
  const any = fc.oneof({ weight: 4, arbitrary: own }, { weight: 1, arbitrary: fc.constantFrom(...METHODS) })
  const wrong = changesOf(operation)
  return fc.oneof(
    { weight: 3, arbitrary: as('valid', valid, own) },
    {
      weight: 5,
      arbitrary: as(
        'near',
        fc.tuple(valid, wrong).map(([parts, change]) => change(parts)),
        own,
      ),
    },
    {
      weight: 3,
      arbitrary: as(
        'hostile',
        fc
          .tuple(valid, fc.array(wrong, { minLength: 1, maxLength: 4 }))
          .map(([parts, all]) => all.reduce((changed, change) => change(changed), parts)),
        any,
      ),
    },
  )
}

/** Valid requests of an operation alone. */
export const validRequestsOf = (operation: Operation): fc.Arbitrary<FuzzRequest> =>
  validParts(operation).map((parts) => ({
    operation: operation.name,
    kind: 'valid',
    method: operation.method,
    ...parts,
  }))

function validParts({ path, parameters, bodies }: Operation): fc.Arbitrary<Parts> {
  const named = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place)
  const [type, media] = Object.entries(bodies)[0] ?? []
  const body =
    media &&
    (type === 'application/json' ? jsonBodies(media.schema ?? {}) : fc.constant(Buffer.from(String(media.example))))
  return fc
    .record({
      path: fc.record(Object.fromEntries(named('path').map((parameter) => [parameter.name, one(parameter)]))),
      query: fc.tuple(...named('query').map(optionally)),
      headers: fc.tuple(...named('header').map(optionally)),
      body: body ?? fc.constant(undefined),
    })
    .map((parts) => ({
      target:
        path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(parts.path[name]))) +
        queryOf(parts.query.flat()),
      headers: [
        ...(parts.headers.flat() as Header[]),
        ...(type === undefined ? [] : [['content-type', type] as const]),
      ],
      ...(parts.body && { body: parts.body }),
    }))
}

const jsonBodies = (schema: object) => valuesOf(schema).map((value) => Buffer.from(JSON.stringify(value)))

/** A value of a parameter: its example now and then, because patterns alone rarely give a name that exists. */
function one({ schema, example, in: place }: Parameter): fc.Arbitrary<unknown> {
  const values = valuesOf(schema)
  const all =
    example === undefined
      ? values
      : fc.oneof({ weight: 5, arbitrary: values }, { weight: 1, arbitrary: fc.constant(example) })
  // HTTP takes the spaces around the value of a header away, and a client sends it in Latin-1.
  return place === 'header' ? all.filter((value) => /^[!-~](?:[ -~]*[!-~])?$/.test(String(value))) : all
}

/** None or one value of a parameter; of a list, several of the same name. */
const optionally = (parameter: Parameter): fc.Arbitrary<[string, string][]> =>
  fc.option(one(parameter), { freq: 2, nil: undefined }).map((value) => {
    if (value === undefined) return []
    return (Array.isArray(value) ? value : [value]).map((item) => [parameter.name, String(item)])
  })

const queryOf = (entries: readonly [string, string][]) =>
  entries.length === 0 ? '' : `?${entries.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`
