import type { Feed } from '../fanout/feed.ts'
import type { BodyBudget } from '../http/body-budget.ts'
import type { Admission } from '../log/admission.ts'
import type { LostEvents } from '../log/lost-events.ts'
import type { Publisher } from '../log/publisher.ts'
import type { Relay } from '../log/relay.ts'
import type { Listener } from '../platform/listener.ts'
import type { Checks } from './health.ts'
import type { Monitor } from './monitor.ts'

/** The parts that readiness depends on. */
export interface CheckSources {
  feed: Feed
  relay: Relay
  listener: Listener
  publisher: Publisher
  admission: Admission
  lost: LostEvents
  bodies: BodyBudget
  monitor: Monitor
  /** Why the queue of tasks could not be read; `undefined` while it can. */
  queueProblem: () => string | undefined
  isDraining: () => boolean
  /** Milliseconds; see `POLL_INTERVAL_MS`. */
  pollInterval: number
}

/** Makes the function that reads the state of each part for `/readyz`, with what is wrong, for a person. */
export const createChecks =
  ({
    feed,
    relay,
    listener,
    publisher,
    admission,
    lost,
    bodies,
    monitor,
    queueProblem,
    isDraining,
    pollInterval,
  }: CheckSources) =>
  (): Checks => ({
    log: check('failed', 'the log in Postgres can not be read', feed.problem),
    holes: check('degraded', 'clients miss events and receive a gap', lost.problem),
    relay: check('degraded', 'events published from SQL are delayed', relay.problem),
    listener: check(
      'degraded',
      `events arrive up to ${pollInterval} ms late`,
      listener.isListening ? undefined : listener.problem,
    ),
    publishing: admission.isFull
      ? {
          status: 'degraded',
          detail: `${admission.requests} publish requests are waiting for Postgres; further ones get 503`,
        }
      : check('degraded', 'the last publish failed', publisher.problem),
    bodies: check('degraded', 'requests with a body are refused', bodies.problem),
    tasks: check('degraded', 'tasks are not started', queueProblem()),
    ...monitor.checks(),
    draining: isDraining() ? { status: 'failed', detail: 'this instance is stopping' } : { status: 'ok' },
  })

const check = (status: 'degraded' | 'failed', meaning: string, problem: string | undefined): Checks[string] =>
  problem === undefined ? { status: 'ok' } : { status, detail: `${meaning}: ${problem}` }
