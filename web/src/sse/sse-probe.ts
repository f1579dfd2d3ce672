import type { ConnectionRequest } from './connection.ts'
import { openSseConnection } from './sse-connection.ts'
import type { TransportChoice } from './transport-choice.ts'

/** Milliseconds until the stream must have brought something. */
const TIMEOUT = 10_000

const nothing = () => {}

/**
 * Attempts an event stream beside a connection of another transport, and closes it again: whether it brings anything. Resolves
 * with `undefined` when `signal` aborts before that is known.
 */
function probeSse(request: ConnectionRequest, signal: AbortSignal): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const settle = (isThrough: boolean | undefined) => {
      clearTimeout(timer)
      connection.close()
      resolve(isThrough)
    }
    const timer = setTimeout(() => settle(false), TIMEOUT)
    signal.addEventListener('abort', () => settle(undefined))
    // Without the client ID: with it, the server would end the other connection.
    const connection = openSseConnection(
      { ...request, clientId: undefined },
      {
        onReady: () => settle(true),
        onEvent: nothing,
        onGap: nothing,
        onHeartbeat: nothing,
        onExpiring: nothing,
        onClosing: () => settle(true),
        onEnd: () => settle(false),
      },
    )
  })
}

/** What a probe works with. */
export interface SseProbeOptions {
  choice: TransportChoice
  /** What the present connection brings. */
  request: () => ConnectionRequest
  /** An event stream gets through: connect again. */
  onThrough: () => void
}

/** Attempts the event stream from time to time while another transport is in its place. */
export class SseProbe {
  readonly #options: SseProbeOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #stop = new AbortController()

  constructor(options: SseProbeOptions) {
    this.#options = options
  }

  /** The present connection works: the next attempt is made when it is due. */
  schedule(): void {
    this.stop()
    const wait = this.#options.choice.probeIn(Date.now())
    if (wait === undefined) return
    const stop = new AbortController()
    this.#stop = stop
    this.#timer = setTimeout(() => void this.#probe(stop.signal), wait)
  }

  /** Until `schedule`, none is made. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#stop.abort()
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { choice, request, onThrough } = this.#options
    const isThrough = await probeSse(request(), signal)
    if (isThrough === undefined) return
    choice.probed(isThrough, Date.now())
    if (isThrough) onThrough()
    else this.schedule()
  }
}
