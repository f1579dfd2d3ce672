import type { TSchema } from '@sinclair/typebox'

/** A value that fits a schema, made of the `examples` in it. */
export function exampleOf(schema: TSchema): unknown {
  if (Array.isArray(schema.examples)) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return exampleOf(variants.find(({ type }: TSchema) => type !== 'null') ?? variants[0])
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(exampleOf))
  if (schema.enum) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries((schema.properties ?? {}) as Record<string, TSchema>).map(([name, member]) => [
          name,
          exampleOf(member),
        ]),
      )
    case 'array':
      return [exampleOf(schema.items)]
    case 'integer':
    case 'number':
      return schema.minimum ?? 0
    case 'boolean':
      return false
    case 'string':
      return schema.format === 'date-time' ? '2026-11-21T10:00:00.000Z' : ''
    default:
      return null
  }
}
