/** What a client did wrong, or what the server can't do now, with all that the response needs. */
export class AppError extends Error {
  readonly code: string
  readonly status: number
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfter: number | undefined
  /** Whether the connection is closed after the response: the rest of the request is not wanted. */
  readonly closesConnection: boolean
  /** Further headers of the response. */
  readonly headers: Readonly<Record<string, string>>
  /** Further members of the problem document (RFC 9457, section 3.2). */
  readonly extensions: Readonly<Record<string, unknown>>

  /**
   * @param code stable and dotted, such as `channel.invalid`; clients compare it
   * @param detail for a person: what was wrong, and what to do
   */
  constructor(code: string, detail: string, options: AppErrorOptions = {}) {
    super(detail, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = options.status ?? 400
    this.retryAfter = options.retryAfter
    this.closesConnection = options.closesConnection ?? false
    this.headers = options.headers ?? {}
    this.extensions = options.extensions ?? {}
  }
}

/** The optional properties of an {@link AppError}. */
export interface AppErrorOptions {
  /** HTTP status. Defaults to `400`. */
  status?: number
  /** Seconds. Defaults to none. */
  retryAfter?: number
  /** Defaults to `false`. */
  closesConnection?: boolean
  /** Defaults to none. */
  headers?: Record<string, string>
  /** Defaults to none. */
  extensions?: Record<string, unknown>
  cause?: unknown
}

/** The error for JSON whose arrays and objects are nested too deeply for the server or for Postgres: `data.too_deep`. */
export const tooDeep = (cause: unknown): AppError =>
  new AppError('data.too_deep', 'The data is nested too deeply.', { cause })

/** The message of anything that was thrown; the name of an error that has no message. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error)

/** The `code` of a system, `postgres` or Postgres error (`ECONNREFUSED`, `CONNECTION_CLOSED`, `57P01`, …), if any. */
export const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
