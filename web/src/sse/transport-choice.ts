import type { Transport } from './protocol.ts'

/** A transport, or `auto`: an event stream, and long-polling where something on the way does not let the stream through. */
export type TransportOption = 'auto' | Transport

/** Why an attempt brought nothing. */
export type Failing =
  /** Nothing arrived in time: a proxy may hold the stream back. */
  | 'silence'
  /** Something on the way refuses what the server does not. */
  | 'refusal'
  | 'other'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Milliseconds until `ready` must have arrived on an event stream, while another transport could be used instead. */
const READY_TIMEOUT = 5 * SECOND
/** Milliseconds of long-polling after which the event stream is attempted again; each time twice as long. */
const FIRST_PROBE = MINUTE
const LAST_PROBE = 32 * MINUTE

/** What is remembered until the tab is closed: that polling works, and when the event stream is attempted again. */
interface Memory {
  probeAt: number
  wait: number
}

/**
 * Which transport the next connection uses. A fixed one stays; `auto` begins with the event stream and goes to long-polling
 * when no stream arrives. That counts once polling has worked: while the server is unreachable, nothing is known about streams.
 */
export class TransportChoice {
  readonly #isAuto: boolean
  readonly #key: string
  #transport: Transport
  #memory: Memory | undefined

  /** @param url of the stream: what is remembered holds for it */
  constructor(option: TransportOption, url: string) {
    this.#isAuto = option === 'auto'
    this.#key = `sse-update transport ${url}`
    this.#memory = this.#isAuto ? read(this.#key) : undefined
    this.#transport = option === 'auto' ? (this.#memory ? 'poll' : 'sse') : option
  }

  /** The transport of the next connection. */
  get transport(): Transport {
    return this.#transport
  }

  /** Milliseconds that this attempt may take; `undefined` for as long as any. */
  get readyTimeout(): number | undefined {
    return this.#isAuto && this.#transport === 'sse' ? READY_TIMEOUT : undefined
  }

  /** Milliseconds until the event stream is worth another attempt; `undefined` when it is in use. */
  probeIn(now: number): number | undefined {
    return this.#memory && Math.max(0, this.#memory.probeAt - now)
  }

  /** An attempt failed before it brought anything. Returns whether another transport is to be attempted at once. */
  failed(failing: Failing): boolean {
    if (!this.#isAuto || this.#memory) return false
    const isFallback = this.#transport === 'sse' && failing !== 'other'
    this.#transport = isFallback ? 'poll' : 'sse'
    return isFallback
  }

  /** A connection works. Returns whether it is the first one by long-polling. */
  worked(now: number): boolean {
    if (!this.#isAuto || this.#transport !== 'poll' || this.#memory) return false
    this.#remember({ wait: FIRST_PROBE, probeAt: now + FIRST_PROBE })
    return true
  }

  /** The event stream was attempted beside long-polling. @param isThrough whether it brought something */
  probed(isThrough: boolean, now: number): void {
    if (!isThrough) {
      const wait = Math.min(LAST_PROBE, 2 * (this.#memory?.wait ?? FIRST_PROBE))
      this.#remember({ wait, probeAt: now + wait })
      return
    }
    this.#remember(undefined)
    this.#transport = 'sse'
  }

  #remember(memory: Memory | undefined): void {
    this.#memory = memory
    write(this.#key, memory)
  }
}

/** A page without storage (a sandboxed frame) remembers nothing. */
function read(key: string): Memory | undefined {
  try {
    const { probeAt, wait } = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Memory
    return Number.isFinite(probeAt) && Number.isFinite(wait) ? { probeAt, wait } : undefined
  } catch {
    return undefined
  }
}

function write(key: string, memory: Memory | undefined): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(memory ?? null))
  } catch {
    // Without storage, a reloaded page finds out again.
  }
}
