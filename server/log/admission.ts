import { AppError } from '../platform/errors.ts'
import type { NewEvent } from '../protocol/event.ts'

/** Bytes of events that may wait at once. */
const MAX_BYTES = 256 * 2 ** 20

/** How many publish requests, and how many bytes of their events, may wait for Postgres at once. */
export class Admission {
  readonly #maxRequests: number
  #requests = 0
  #bytes = 0

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests
  }

  /** Requests that wait. */
  get requests(): number {
    return this.#requests
  }

  /** Whether there is no room for a further request. */
  get isFull(): boolean {
    return this.#requests >= this.#maxRequests || this.#bytes >= MAX_BYTES
  }

  /** Before a body is read. @throws {AppError} `publish.overloaded` (503) when there is no room */
  check(): void {
    if (this.isFull) throw overloaded()
  }

  /**
   * Handles a request whose events have so many bytes.
   *
   * @throws {AppError} `publish.overloaded` (503) when there is no room
   */
  async handle<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.isFull || (this.#requests > 0 && this.#bytes + bytes > MAX_BYTES)) throw overloaded()
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

/** Bytes of an event besides its data, about. */
const EVENT_COST = 512

/** The memory that events take, in bytes, about. */
export const memoryOf = (events: readonly NewEvent[]): number =>
  events.reduce((sum, { data }) => sum + data.length + EVENT_COST, 0)

const overloaded = () =>
  new AppError('publish.overloaded', 'Too many requests wait for the database. Nothing was published; try again.', {
    status: 503,
    retryAfter: 1,
  })
