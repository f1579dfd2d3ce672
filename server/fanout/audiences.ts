import { SlicedWork } from '../platform/sliced-work.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { Audience } from './audience.ts'
import type { Cursor } from './cursor.ts'
import type { Encoding } from './encoding.ts'
import { PatternIndex } from './pattern-index.ts'
import type { RecentEvents } from './recent-events.ts'
import type { Selection } from './selection.ts'

/** The audiences of an instance, and the index that finds them by channel. An audience exists while it has a cursor. */
export class Audiences {
  readonly #recent: RecentEvents
  readonly #telemetry: Telemetry
  readonly #byName = new Map<string, Audience>()
  readonly #index = new PatternIndex<Audience>()
  /** Thousands of streams may end at once. */
  readonly #removals = new SlicedWork()

  constructor(recent: RecentEvents, telemetry: Telemetry) {
    this.#recent = recent
    this.#telemetry = telemetry
  }

  /** Tokens and patterns in the index of subscriptions. */
  get indexSize(): number {
    return this.#index.size
  }

  /** The audiences whose patterns match a channel, once each. */
  match(channel: string): Audience[] {
    return this.#index.match(channel)
  }

  /** How much the index may grow when a stream joins: `0` when there is an audience for it already. */
  growthFor(selection: Selection, encoding: Encoding): number {
    return this.#byName.has(Audience.nameOf(selection, encoding)) ? 0 : selection.size
  }

  /** The audience of a selection and an encoding, made when there is none. Add a cursor to it right away. */
  of(selection: Selection, encoding: Encoding): Audience {
    const name = Audience.nameOf(selection, encoding)
    const existing = this.#byName.get(name)
    if (existing) return existing
    const audience = new Audience(selection, encoding, this.#recent, this.#telemetry)
    this.#byName.set(name, audience)
    for (const pattern of selection.patterns) this.#index.add(pattern, audience)
    return audience
  }

  /** Removes a cursor, and its audience when it was the last one: at once, or soon when many leave. */
  leave(audience: Audience, cursor: Cursor): void {
    audience.cursors.delete(cursor)
    if (audience.cursors.size === 0) this.#removals.add([() => this.#removeEmpty(audience)])
  }

  /** Another cursor may have joined it meanwhile, or it was removed after an earlier call, and another one has its name. */
  #removeEmpty(audience: Audience): void {
    const name = Audience.nameOf(audience.selection, audience.encoding)
    if (audience.cursors.size > 0 || this.#byName.get(name) !== audience) return
    this.#byName.delete(name)
    for (const pattern of audience.selection.patterns) this.#index.remove(pattern, audience)
  }
}
