import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { AppError } from '../platform/errors.ts'
import { yieldToEventLoop } from '../platform/event-loop.ts'
import { type Bodies, parseJson } from './body.ts'
import type { Incoming } from './client-address.ts'
import { findUnstorable } from './storable.ts'
import { invalidValue } from './validation.ts'

/** Maximum bytes of a body that only names an action, such as a transition. */
export const SMALL_BODY = 4 * 1024
/** Maximum bytes of a body that describes a resource: any JSON of this size is parsed within some milliseconds. */
export const LARGE_BODY = 64 * 1024

/**
 * A parser for the hook `parse` of a route: reads JSON of at most `maxBytes` whose texts Postgres can store, and validates
 * it before Elysia does, which would collect all problems of an invalid body instead of the first.
 *
 * @param admit throws for a request that may not be made: it is refused before its body takes memory
 * @throws {AppError} what `Bodies.readJson` throws, `body.invalid`, `data.too_deep`, `request.invalid`
 */
export function jsonBody(bodies: Bodies, schema: TSchema, maxBytes: number, admit: (request: Request) => unknown) {
  const validator = TypeCompiler.Compile(schema)
  return async ({ request, server }: Incoming): Promise<unknown> => {
    await admit(request)
    return bodies.readJson({ request, server }, maxBytes, async (bytes) => {
      // Several large bodies may have arrived in this event-loop turn: parse one per turn.
      if (bytes.byteLength > SMALL_BODY) await yieldToEventLoop()
      const value = parseJson(bytes)
      if (!validator.Check(value)) throw invalidValue(validator, value, 'body')
      const problem = findUnstorable(value)
      if (problem) throw new AppError('body.invalid', `The body cannot be stored: ${problem}.`)
      return value
    })
  }
}
