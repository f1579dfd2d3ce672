import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { AppError } from '../platform/errors.ts'
import { yieldToEventLoop } from '../platform/event-loop.ts'
import { type Bodies, type Incoming, parseJson } from './body.ts'
import { findUnstorable } from './storable.ts'
import { invalidValue } from './validation.ts'

/** Bytes of the body of a request that only says what to do. */
export const SMALL_BODY = 4 * 1024
/** Bytes of the body of a request that describes a thing: JSON of this size is parsed within some milliseconds, whatever it is. */
export const LARGE_BODY = 64 * 1024

/**
 * A parser for the hook `parse` of a route: reads JSON of at most `maxBytes`, whose texts Postgres can keep, and checks it
 * before Elysia does, which would look for all that is wrong with it.
 *
 * @throws {AppError} what `Bodies.readJson` throws, `body.invalid`, `data.too_deep`, `request.invalid`
 */
export function jsonBody(bodies: Bodies, schema: TSchema, maxBytes: number) {
  const validator = TypeCompiler.Compile(schema)
  return ({ request, server }: Incoming): Promise<unknown> =>
    bodies.readJson({ request, server }, maxBytes, async (bytes) => {
      // Many may arrive in one turn.
      if (bytes.byteLength > SMALL_BODY) await yieldToEventLoop()
      const value = parseJson(bytes)
      if (!validator.Check(value)) throw invalidValue(validator, value, 'body')
      const problem = findUnstorable(value)
      if (problem) throw new AppError('body.invalid', `The body can not be stored: ${problem}.`)
      return value
    })
}
