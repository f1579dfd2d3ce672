import { TokenBucket } from 'limiter'
import { checkSubscribe } from '../../auth/actor.ts'
import type { StreamLease } from '../../auth/stream-lease.ts'
import type { Cursor } from '../../fanout/cursor.ts'
import type { Hub } from '../../fanout/hub.ts'
import { createSelection } from '../../fanout/selection.ts'
import { problemOf } from '../../http/problem.ts'
import { AppError } from '../../platform/errors.ts'
import { SECOND } from '../../platform/time.ts'
import { parsePattern } from '../../protocol/channel.ts'
import type { Answers } from '../../protocol/socket.ts'
import { checkPatternCount } from '../request.ts'
import { parseClientMessage } from './client-message.ts'
import { answer } from './encoding.ts'
import type { SocketSink } from './socket-sink.ts'

/** Messages and pings that a client may send at once. */
const BURST = 32
/** Messages and pings that a client may send per second in the long run. */
const RATE = 4

/** What the client of one WebSocket talks about. */
export interface ConversationOptions {
  hub: Pick<Hub, 'move' | 'turn'>
  cursor: Cursor
  lease: StreamLease
  sink: Pick<SocketSink, 'answer' | 'end'>
  /** Patterns that the request asked for. */
  patterns: readonly string[]
  /**
   * Counts the patterns of a change against the rate of the subject. @throws {AppError} `subscription.too_fast` (429)
   */
  charge: (patterns: number) => void
  /** The client sends more messages than it may. */
  onFlood: () => void
}

/**
 * What the client of a WebSocket asks for while it is open: other channels, or to go on with another token. Each message is
 * answered once, in order; one that is refused changes nothing, and the stream lives on.
 */
export class Conversation {
  readonly #options: ConversationOptions
  /** Patterns as they were asked for: of those that lie within others, the selection has none. */
  #patterns: ReadonlySet<string>
  /** Made with the first message: most clients send none. */
  #bucket: TokenBucket | undefined
  #last: Promise<void> | undefined
  #waiting = 0

  constructor(options: ConversationOptions) {
    this.#options = options
    this.#patterns = new Set(options.patterns)
  }

  /** The client has sent a message. */
  receive(message: string | Buffer): void {
    if (typeof message !== 'string') this.#options.sink.end('unsupported')
    else if (this.#takeShare() && this.#waiting < BURST) this.#last = this.#answerAfter(this.#last, message)
    else this.#endFlood()
  }

  /** The client has sent a ping. Bun answers it. */
  pinged(): void {
    if (!this.#takeShare()) this.#endFlood()
  }

  /** What arrives until the connection has ended is no flood of its own. */
  #endFlood(): void {
    if (this.#options.cursor.isClosed) return
    this.#options.onFlood()
    this.#options.sink.end('flood')
  }

  #takeShare(): boolean {
    this.#bucket ??= fullBucket()
    return this.#bucket.tryRemoveTokens(1)
  }

  async #answerAfter(last: Promise<void> | undefined, text: string): Promise<void> {
    this.#waiting++
    const { hub, cursor } = this.#options
    await last
    await hub.turn()
    this.#waiting--
    if (cursor.isClosed) return
    try {
      const request = parseClientMessage(text)
      if (request.kind === 'renew') await this.#renew(request.token)
      else this.#change(request.subscribe, request.unsubscribe)
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(error: unknown): void {
    const { cursor, sink } = this.#options
    if (!(error instanceof AppError)) {
      cursor.fail(error)
      return
    }
    sink.answer(answer('error', problemOf(error)))
    if (error.code === 'message.invalid') sink.end('invalid')
  }

  /** @throws {AppError} what `StreamLease.renew` throws */
  async #renew(token: string): Promise<void> {
    const { lease } = this.#options
    await lease.renew(token)
    const { expiresAt } = lease.grant
    this.#answer('renewed', { expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString() })
  }

  /**
   * The answer is written right after the move, before anything else runs: no event of an added channel comes before it.
   *
   * @throws {AppError} `channel.invalid`, `channel.too_many`, `access.denied`, `subscription.empty`, `subscription.full`,
   * `subscription.too_fast`
   */
  #change(subscribe: readonly unknown[], unsubscribe: readonly unknown[]): void {
    const { hub, cursor, lease } = this.#options
    const patterns = this.#changed(subscribe, unsubscribe)
    checkSubscribe(lease, [...patterns])
    const selection = createSelection([...patterns])
    if (!hub.move(cursor, selection)) throw full()
    lease.follow(selection.patterns)
    this.#patterns = patterns
    this.#answer('subscribed', { channels: selection.patterns, cursor: cursor.resumption ?? null })
  }

  #answer<K extends keyof Answers>(event: K, data: Answers[K]): void {
    this.#options.sink.answer(answer(event, data))
  }

  #changed(subscribe: readonly unknown[], unsubscribe: readonly unknown[]): ReadonlySet<string> {
    checkPatternCount(subscribe)
    checkPatternCount(unsubscribe)
    // All of them are compared, and the index changes by all of them.
    this.#options.charge(this.#patterns.size + subscribe.length + unsubscribe.length)
    const patterns = new Set(this.#patterns)
    for (const pattern of unsubscribe.map(parsePattern)) patterns.delete(pattern)
    for (const pattern of subscribe.map(parsePattern)) patterns.add(pattern)
    checkPatternCount([...patterns])
    if (patterns.size === 0) throw empty()
    return patterns
  }
}

function fullBucket(): TokenBucket {
  const bucket = new TokenBucket({ bucketSize: BURST, tokensPerInterval: RATE, interval: SECOND })
  bucket.content = BURST
  return bucket
}

const empty = () =>
  new AppError('subscription.empty', 'A stream follows at least one channel. Close the WebSocket to follow none.')

const full = () =>
  new AppError('subscription.full', 'The instance has no room for further patterns: the channels stay as they were.', {
    status: 503,
  })
