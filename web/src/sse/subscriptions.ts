import type { Broadcast } from './messages.ts'
import { covers, union } from './pattern.ts'
import type { Subscription } from './subscription.ts'

/** The subscriptions of one tab. A paused one follows nothing, and keeps its cursor. */
export class Subscriptions {
  readonly #all = new Set<Subscription>()
  readonly #paused = new Set<Subscription>()

  /** Adds one. @param isPaused whether it follows nothing at first */
  add(subscription: Subscription, isPaused: boolean): void {
    this.#all.add(subscription)
    if (isPaused) this.#paused.add(subscription)
  }

  /** Ends one. */
  remove(subscription: Subscription): void {
    subscription.leave()
    this.#all.delete(subscription)
    this.#paused.delete(subscription)
  }

  /** Pauses one, or lets it follow again. Returns whether that is a change. */
  pause(subscription: Subscription, isPaused: boolean): boolean {
    if (isPaused === this.#paused.has(subscription)) return false
    if (isPaused) {
      this.#paused.add(subscription)
      subscription.leave()
    } else this.#paused.delete(subscription)
    return true
  }

  /** What those that are not paused follow, without duplicates. */
  get channels(): string[] {
    return union(this.#active.flatMap(({ channels }) => channels))
  }

  /**
   * Hands out what the connection received. Returns whether the connection lacks channels of one: it has left then, and joins
   * again when a connection covers it.
   */
  receive(message: Broadcast): boolean {
    let isLacking = false
    for (const subscription of this.#active) {
      if (message.kind === 'event') subscription.offer(message.event, message.cursor)
      else if (message.kind === 'cursor') subscription.advance(message.cursor)
      else if (message.kind === 'gap') subscription.passGap(message.gap, message.cursor)
      else if (isCovered(subscription, message.channels)) subscription.join(message.channels, message.cursor)
      else {
        subscription.leave()
        isLacking = true
      }
    }
    return isLacking
  }

  get #active(): Subscription[] {
    return [...this.#all].filter((subscription) => !this.#paused.has(subscription))
  }
}

const isCovered = ({ channels }: Subscription, by: readonly string[]) =>
  channels.every((wanted) => by.some((given) => covers(given, wanted)))
