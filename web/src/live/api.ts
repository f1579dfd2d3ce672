import { treaty } from '@elysiajs/eden'
import type { App } from '../../../server/app.ts'
import { UNREACHABLE, unexpectedStatus } from '../ui/messages.ts'
import { userHeaders } from './identity.ts'
import { endSession } from './session.ts'

/** The server's API, typed by its routes. */
export const api = treaty<App>(location.origin, {
  headers: () => ({ ...userHeaders() }),
  // Times stay text, as the schemas say.
  parseDate: false,
}).api

/** An error of the server. */
export class ApiError extends Error {
  override name = 'ApiError'
  constructor(
    /** Stable, such as `order.version_conflict`; `network` when there was no response. */
    readonly code: string,
    message: string,
    readonly extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
  }
}

interface Result<T> {
  data: T | null
  error: { status: unknown; value?: unknown } | null
}

/** The data of a result. After a 401 the page asks the user to sign in. @throws {ApiError} */
export async function ask<T>(request: Promise<Result<T>>): Promise<T> {
  const { data, error } = await request.catch((): Result<T> => ({ data: null, error: { status: 0 } }))
  if (error === null) return data as T
  if (error.status === 401) endSession()
  throw toError(error.value, error.status)
}

/** The problem document of a response. After a 401 the page asks the user to sign in. @throws {ApiError} */
export async function failWith(response: Response): Promise<never> {
  if (response.status === 401) endSession()
  throw toError(await response.json().catch(() => undefined), response.status)
}

function toError(value: unknown, status: unknown): ApiError {
  const problem = (typeof value === 'string' ? parse(value) : value) as { code?: string; detail?: string } | undefined
  if (typeof problem?.code === 'string')
    return new ApiError(problem.code, problem.detail ?? problem.code, { ...problem })
  if (status === 0 || status === 503) return new ApiError('network', UNREACHABLE)
  return new ApiError('unknown', unexpectedStatus(status))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
