import { Slice } from '../../platform/event-loop.ts'

/** What is needed of a WebSocket to find out whether its client is there. */
export interface Peer {
  ping(): number
  terminate(): void
  getBufferedAmount(): number
}

/**
 * Finds clients that are gone without a word: each is sent a ping, and has until the next one to answer it (RFC 6455, section
 * 5.5.2). Without that, a connection whose other end has lost its power stays for as long as TCP repeats what it sends.
 *
 * One timer serves all, and only while there are any.
 */
export class Peers {
  readonly #interval: number
  /** Whether each has answered since its last ping. */
  readonly #answered = new Map<Peer, boolean>()
  #timer: Timer | undefined

  /** @param interval milliseconds between two pings */
  constructor(interval: number) {
    this.#interval = interval
  }

  add(peer: Peer): void {
    this.#answered.set(peer, true)
    this.#timer ??= setInterval(() => void this.#ping(), this.#interval)
  }

  remove(peer: Peer): void {
    this.#answered.delete(peer)
    if (this.#answered.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** The client has answered a ping, or sent anything else. */
  heard(peer: Peer): void {
    if (this.#answered.has(peer)) this.#answered.set(peer, true)
  }

  /** In slices: there may be very many. */
  async #ping(): Promise<void> {
    const slice = new Slice()
    for (const [peer, hasAnswered] of this.#answered) {
      if (slice.isOver) await slice.next()
      // A ping would wait behind what the client does not read. How long it may do so is the stall timeout's to say.
      if (peer.getBufferedAmount() > 0) continue
      if (!hasAnswered) {
        this.remove(peer)
        peer.terminate()
      } else if (this.#answered.has(peer)) {
        this.#answered.set(peer, false)
        peer.ping()
      }
    }
  }
}
