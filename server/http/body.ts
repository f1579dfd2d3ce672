import type { Config } from '../platform/config.ts'
import { AppError, tooDeep } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { BodyBudget } from './body-budget.ts'
import type { AddressOf, Incoming } from './client-address.ts'
import type { HeldRights, HoldRights } from './held-rights.ts'
import type { OpenBody, Pace } from './open-body.ts'

/** Files may be large: no deadline, but a minimum rate that even a bad mobile connection reaches. */
const UPLOAD: Pace = { timeout: Number.POSITIVE_INFINITY, leastRate: 16 * 1024, window: 15 * SECOND }

/** Whether a request says that its body is JSON. */
export const isJson = ({ headers }: Request): boolean =>
  /^application\/(?:[\w.-]+\+)?json\b/i.test(headers.get('content-type') ?? '')

/** Reads request bodies, all within one budget. */
export class Bodies {
  readonly budget: BodyBudget
  readonly #addressOf: AddressOf
  readonly #holdRights: HoldRights
  readonly #pace: Pace

  /**
   * @param timeout milliseconds for a whole body that is no file; see `BODY_TIMEOUT_MS`
   * @param holdRights a request may be authorized long before its body is complete
   */
  constructor(budget: BodyBudget, timeout: number, addressOf: AddressOf, holdRights: HoldRights) {
    this.budget = budget
    this.#addressOf = addressOf
    this.#holdRights = holdRights
    this.#pace = { timeout, leastRate: 1024, window: 5 * SECOND }
  }

  /**
   * Reads a JSON body and parses it.
   *
   * @param parse called with the bytes, which count against the budget until it resolves
   * @throws {AppError} `body.not_json` (415), `body.too_large` (413), `body.too_slow` (408), `body.too_many` (429),
   * `body.overloaded` (503), `body.aborted`
   */
  async readJson<T>(incoming: Incoming, maxBytes: number, parse: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    // Any other type could come from a form on a foreign page, without the browser asking first.
    if (!isJson(incoming.request)) {
      throw new AppError('body.not_json', 'Send JSON, with the header "Content-Type: application/json".', {
        status: 415,
      })
    }
    return this.read(incoming, maxBytes, parse)
  }

  /**
   * Reads a body of any type.
   *
   * @param parse called with the bytes, which count against the budget until it resolves
   * @throws {AppError} `body.too_large` (413), `body.too_slow` (408), `body.too_many` (429), `body.overloaded` (503),
   * `body.aborted`; `token.expired`, `token.revoked`, `key.unknown` (401) when the rights of the request have ended meanwhile
   */
  async read<T>(incoming: Incoming, maxBytes: number, parse: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    const { request } = incoming
    const length = Number(request.headers.get('content-length') ?? 0)
    if (length > maxBytes) throw tooLarge(maxBytes)
    const source = this.#open(incoming, this.#pace)
    try {
      const isWhole = length > 0 && length < leastBytes(this.#pace) && isBoundToLength(request)
      const parsed = await parse(isWhole ? await source.whole(length) : await source.all(maxBytes))
      source.checkRights()
      return parsed
    } finally {
      source.close()
    }
  }

  /**
   * The content of a file, while it arrives.
   *
   * @param kept maximum bytes that the caller holds in memory
   * @throws {AppError} `body.too_slow` (408), `body.too_many` (429), `body.overloaded` (503), `body.aborted`; `token.expired`,
   * `token.revoked`, `key.unknown` (401) when the rights of the request have ended meanwhile
   */
  async *readFile(incoming: Incoming, kept: number): AsyncGenerator<Uint8Array> {
    const source = this.#open(incoming, UPLOAD)
    try {
      for (let chunk = await source.next(); chunk; chunk = await source.next()) {
        yield chunk
        source.keep(kept)
      }
      source.checkRights()
    } finally {
      source.close()
    }
  }

  #open(incoming: Incoming, pace: Pace): BodySource {
    return new BodySource(this.budget, incoming.request, pace, () => this.#addressOf(incoming), this.#holdRights)
  }
}

/**
 * Bytes that have to arrive in a window. A smaller body that is not complete by then is too slow, however much of it has arrived: it
 * may be read as a whole, which takes half as long as reading its chunks.
 */
const leastBytes = ({ leastRate, window }: Pace) => (leastRate * window) / SECOND

/**
 * Whether no more bytes than `Content-Length` can arrive: with HTTP/1.1 the header frames the body. Over TLS a request may be one of
 * HTTP/2 or 3, whose frames have lengths of their own.
 */
const isBoundToLength = ({ url }: Request) => url.startsWith('http:')

/** A reader of request bodies within the limits of the settings. */
export const createBodies = (
  {
    maxBodyMemory,
    maxBodies,
    maxBodiesPerAddress,
    bodyTimeoutMs,
  }: Pick<Config, 'maxBodyMemory' | 'maxBodies' | 'maxBodiesPerAddress' | 'bodyTimeoutMs'>,
  telemetry: Pick<Telemetry, 'bodyRefused'>,
  addressOf: AddressOf,
  holdRights: HoldRights,
): Bodies =>
  new Bodies(
    new BodyBudget({ maxBytes: maxBodyMemory, maxBodies, maxBodiesPerAddress, telemetry }),
    bodyTimeoutMs,
    addressOf,
    holdRights,
  )

/** One body: its chunks, or all of it. */
class BodySource {
  readonly #budget: BodyBudget
  readonly #request: Request
  readonly #body: OpenBody
  readonly #rights: HeldRights
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  /** Ends the read that is under way as if the body had ended. */
  #abort = () => {}

  constructor(budget: BodyBudget, request: Request, pace: Pace, address: () => string, holdRights: HoldRights) {
    this.#budget = budget
    this.#request = request
    this.#body = budget.open(address, pace, () => this.#abort())
    this.#rights = holdRights(request, (error) => this.#body.end(error))
  }

  /** Reads a body of at most so many bytes, which it takes from the budget at once. */
  async whole(length: number): Promise<Uint8Array> {
    this.#budget.hold(this.#body, length)
    const read = new Promise<Uint8Array>((resolve, reject) => {
      this.#abort = () => resolve(new Uint8Array())
      this.#request.bytes().then(resolve, reject)
    })
    return this.#arrived(read)
  }

  /** Reads a body of any length, in chunks. @throws {AppError} `body.too_large` */
  async all(maxBytes: number): Promise<Uint8Array> {
    // Counted while they arrive: a chunked body does not announce its size.
    const chunks: Uint8Array[] = []
    for (let chunk = await this.next(); chunk; chunk = await this.next()) {
      if (this.#body.received > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  }

  /** The next chunk; `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    this.#reader ??= this.#request.body?.getReader()
    const reader = this.#reader
    if (!reader) return undefined
    this.#abort = () => void reader.cancel().catch(() => {})
    const { value } = await this.#arrived(reader.read())
    if (value) this.#budget.hold(this.#body, value.byteLength)
    return value
  }

  /** What is read, when it is there. @throws {AppError} `body.aborted`, or why the body was refused meanwhile */
  async #arrived<T>(read: Promise<T>): Promise<T> {
    this.#body.startReading()
    const value = await read.catch((cause) => {
      throw aborted(cause)
    })
    this.#body.stopReading()
    if (this.#body.refusal) throw this.#body.refusal
    return value
  }

  keep(bytes: number): void {
    this.#budget.release(this.#body, Math.max(0, this.#body.held - bytes))
  }

  /** @throws {AppError} when those of the request have ended while it arrived */
  checkRights(): void {
    this.#rights.check()
  }

  close(): void {
    this.#rights.release()
    this.#budget.close(this.#body)
  }
}

const tooLarge = (maxBytes: number) =>
  new AppError('body.too_large', `The body has more than ${maxBytes} bytes. Send it in several requests.`, {
    status: 413,
    extensions: { limit: maxBytes },
  })

/** The client has left. */
const aborted = (cause: unknown) =>
  new AppError('body.aborted', 'The connection was closed before the whole body had arrived.', { cause })

/**
 * `JSON.parse` of bytes. Only for bodies of some tens of KiB: it holds the event loop.
 *
 * @throws {AppError} `body.invalid`, `data.too_deep`
 */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(error)
    const problem = error instanceof SyntaxError ? `not valid JSON: ${error.message}` : 'not valid UTF-8'
    throw new AppError('body.invalid', `The body is ${problem}.`, { cause: error })
  }
}
