import { databaseUnavailable, outcomeOf } from '../platform/database-errors.ts'
import { AppError, codeOf, messageOf, tooDeep } from '../platform/errors.ts'
import type { NewEvent } from '../protocol/event.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { keyConflictsOf, requestsInConflict } from './key-conflicts.ts'
import type { EventLog } from './log.ts'
import { isNestedDeeper } from './nesting.ts'

/** What a publisher needs. */
export interface PublisherOptions {
  log: Pick<EventLog, 'append'>
  /** Called with the last position of every commit. */
  onCommit: (position: number) => void
  telemetry: Pick<Telemetry, 'published'>
}

interface Waiting {
  events: readonly NewEvent[]
  resolve: (positions: number[]) => void
  reject: (error: unknown) => void
}

/** Bounds of one transaction: larger ones gain nothing, and hold the log's lock longer. */
const GROUP_EVENTS = 2000
const GROUP_BYTES = 2 * 2 ** 20

/** `statement_too_complex`: JSON is nested more deeply than `max_stack_depth` allows Postgres to parse. */
const TOO_DEEP = '54001'
/** Levels of arrays and objects that Postgres parses in any case; with its defaults, about ten times as many. */
const SURE_DEPTH = 1000

/**
 * Appends what requests publish, with **group commit**: those that come while a transaction is under way share the
 * next one. Each request's events stay together, in order, all or none.
 */
export class Publisher {
  readonly #options: PublisherOptions
  #waiting: Waiting[] = []
  #problem: string | undefined
  #working: Promise<void> | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /**
   * Resolves with the events' positions when they are durable.
   *
   * @throws {AppError} `database.unavailable` when nothing was published, `publish.unknown` when the connection died
   * under the commit, `data.too_deep` when Postgres can't take the data, `key.reused` (422) when a key was used for an
   * event of another type or other data
   */
  publish(events: readonly NewEvent[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject })
      this.#working ??= this.#work()
    })
  }

  /** Why the last transaction failed, other than for what was published; `undefined` when it did not. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Resolves when everything that was to be published was published or rejected. */
  async drain(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    // What the same turn of the event loop brings shares the first transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#append(this.#takeGroup())
    this.#working = undefined
  }

  #takeGroup(): Waiting[] {
    let events = 0
    let bytes = 0
    const full = this.#waiting.findIndex((request) => {
      events += request.events.length
      bytes += bytesOf(request.events)
      return events > GROUP_EVENTS || bytes > GROUP_BYTES
    })
    return this.#waiting.splice(0, full === -1 ? this.#waiting.length : Math.max(1, full))
  }

  async #append(group: readonly Waiting[]): Promise<void> {
    try {
      const positions = await this.#options.log.append(group.flatMap(({ events }) => events))
      this.#problem = undefined
      this.#options.telemetry.published(positions.length)
      let start = 0
      for (const { events, resolve } of group) {
        resolve(positions.slice(start, start + events.length))
        start += events.length
      }
      this.#options.onCommit(Math.max(...positions))
    } catch (error) {
      const refused = refusedRequests(group, error)
      if (refused.size > 0) await this.#appendOthers(group, refused)
      else if (group.length > 1 && outcomeOf(error) === 'refused') await this.#appendHalves(group)
      else this.#fail(group, error)
    }
  }

  /** Refuses all requests that are known to be at fault: however many they are, the others need one more transaction. */
  async #appendOthers(group: readonly Waiting[], refused: ReadonlyMap<number, AppError>): Promise<void> {
    for (const [request, error] of refused) group[request]?.reject(error)
    const others = group.filter((_, request) => !refused.has(request))
    if (others.length > 0) await this.#append(others)
  }

  /** Postgres refused something: whose it was is found by halving, and the others are not harmed. */
  async #appendHalves(group: readonly Waiting[]): Promise<void> {
    const middle = Math.ceil(group.length / 2)
    await this.#append(group.slice(0, middle))
    await this.#append(group.slice(middle))
  }

  #fail(group: readonly Waiting[], error: unknown): void {
    if (outcomeOf(error) !== 'refused') this.#problem = messageOf(error)
    for (const { reject } of group) reject(explain(error))
  }
}

/** The requests for which Postgres must have refused the group, as far as the error shows it. */
function refusedRequests(group: readonly Waiting[], error: unknown): Map<number, AppError> {
  const conflicts = keyConflictsOf(error)
  if (conflicts) {
    const inConflict = requestsInConflict(
      conflicts,
      group.map(({ events }) => events.length),
    )
    return new Map([...inConflict].map(([request, event]) => [request, keyReused(group[request]?.events ?? [], event)]))
  }
  const refused = new Map<number, AppError>()
  if (codeOf(error) !== TOO_DEEP) return refused
  for (const [request, { events }] of group.entries()) {
    if (events.some(({ data }) => isNestedDeeper(data, SURE_DEPTH))) refused.set(request, tooDeep(error))
  }
  return refused
}

function keyReused(events: readonly NewEvent[], index: number): AppError {
  const subject = events.length > 1 ? `Event ${index} of the array: ` : ''
  return new AppError(
    'key.reused',
    `${subject}The idempotency key was used in this channel for an event of another type or with other data. Use a new key for a new event. Nothing was published.`,
    { status: 422, ...(events.length > 1 && { extensions: { event: index } }) },
  )
}

const bytesOf = (events: readonly NewEvent[]) => events.reduce((sum, { data }) => sum + data.length, 0)

function explain(error: unknown): unknown {
  switch (outcomeOf(error)) {
    case 'unsent':
      return databaseUnavailable(error)
    case 'unknown':
      return new AppError(
        'publish.unknown',
        'The connection to the database died while the events were being committed: they may be published or not. Send the same request with the same Idempotency-Key again, and they are published once.',
        { status: 503, retryAfter: 2, cause: error },
      )
    case 'refused':
      return codeOf(error) === TOO_DEEP ? tooDeep(error) : error
  }
}
