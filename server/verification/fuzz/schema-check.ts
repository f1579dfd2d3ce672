import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020'
import type { Schema } from './document.ts'

/** RFC 3339; a validator of JSON Schema checks formats only when it is given them. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Checks values against schemas of the document, with a validator that the server does not use. */
export class SchemaCheck {
  readonly #ajv = new Ajv2020({ strict: false, formats: { 'date-time': DATE_TIME, uuid: UUID } })
  readonly #compiled = new WeakMap<Schema, ValidateFunction>()

  /** What does not fit; empty when the value does. */
  problems(schema: Schema, value: unknown): string[] {
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema)
    this.#compiled.set(schema, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  }
}
