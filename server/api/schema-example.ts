import type { TSchema } from '@sinclair/typebox'
import { sample } from 'openapi-sampler'

/** A value that fits a schema, made of the first of the `examples` in it, of its constants and of its defaults. */
export const exampleOf = (schema: TSchema): unknown => sample(schema, { quiet: true })
