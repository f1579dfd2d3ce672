import { AppError } from '../platform/errors.ts'

/** Bytes of bodies that may be read or wait at once. */
const MAX_BYTES = 256 * 2 ** 20

/** How many publish requests, and how many bytes of them, may be read or wait for Postgres at once. */
export class Admission {
  readonly #maxRequests: number
  #requests = 0
  #bytes = 0

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests
  }

  /** Requests that are being read or wait. */
  get requests(): number {
    return this.#requests
  }

  /**
   * Handles a request of so many bytes, before any of them is read.
   *
   * @throws {AppError} `publish.overloaded` (503) when there is no room
   */
  async handle<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#requests >= this.#maxRequests || (this.#requests > 0 && this.#bytes + bytes > MAX_BYTES))
      throw overloaded()
    this.#requests++
    this.#bytes += bytes
    try {
      return await work()
    } finally {
      this.#requests--
      this.#bytes -= bytes
    }
  }
}

const overloaded = () =>
  new AppError('publish.overloaded', 'Too many requests wait for the database. Nothing was published; try again.', {
    status: 503,
    retryAfter: 1,
  })
