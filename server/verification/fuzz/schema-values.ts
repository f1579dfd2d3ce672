import fc from 'fast-check'
import type { Schema } from './document.ts'

/** Items of an array beyond its minimum: enough for repetition, few enough for thousands of requests. */
const MORE_ITEMS = 4
/** Longest text where the schema sets no limit, in characters. */
const MAX_TEXT = 60

/** Values that fit a schema, as `JSON.stringify` takes them. */
export function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valuesOf))
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => valuesOf({ ...schema, type })))
  const { minimum, maximum } = schema
  switch (schema.type) {
    case 'object':
      return objectsOf(schema)
    case 'array': {
      const { items = {}, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
      return fc.array(valuesOf(items), { minLength: minItems, maxLength: Math.min(maxItems, minItems + MORE_ITEMS) })
    }
    case 'integer':
      return integers(minimum ?? Number.MIN_SAFE_INTEGER, maximum ?? Number.MAX_SAFE_INTEGER)
    case 'number':
      return fc.double({ min: minimum ?? -1e300, max: maximum ?? 1e300, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textsOf(schema)
    default:
      return fc.jsonValue()
  }
}

function objectsOf({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, member]) => [name, valuesOf(member)] as const)
  return fc.record(Object.fromEntries(members), { requiredKeys: required as never[], noNullPrototype: true })
}

/** Small numbers name rows that exist; the others are boundaries, or anything. */
const integers = (min: number, max: number) =>
  fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 100) }),
    fc.constantFrom(min, max),
    fc.maxSafeInteger().map((n) => Math.max(min, Math.min(max, n))),
  )

function textsOf({ format, pattern, minLength = 0, maxLength, examples = [] }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') {
    const range = { min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true }
    return fc.date(range).map((date) => date.toISOString())
  }
  if (pattern === undefined) return fc.string({ minLength, maxLength: Math.min(maxLength ?? MAX_TEXT, MAX_TEXT) })
  const expression = new RegExp(pattern, 'u')
  const fits = (text: string) =>
    expression.test(text) && text.length >= minLength && text.length <= (maxLength ?? Number.POSITIVE_INFINITY)
  return matching(expression, examples as string[]).filter(fits)
}

/** For classes of all Unicode, `stringMatching` takes a second to build: any text does nearly as well. */
function matching(expression: RegExp, examples: readonly string[]): fc.Arbitrary<string> {
  if (expression.source.includes('\\P{')) return fc.string({ minLength: 1, maxLength: MAX_TEXT })
  try {
    return fc.stringMatching(expression, { size: 'small' })
  } catch {
    // It does not know every expression.
    return examples.length > 0 ? fc.constantFrom(...examples) : fc.string({ minLength: 1, maxLength: MAX_TEXT })
  }
}
