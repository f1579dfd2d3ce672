import { SECOND } from '../time.ts'
import type { Assignment, GroupReports, ToMember, ToSupervisor } from './messages.ts'
import { createPending } from './pending.ts'

/** The place of this process in a group, towards its supervisor. */
export interface Member {
  readonly assignment: Assignment
  /** Resolves when this process is to stop: with the name of a signal, or `disconnect` when the supervisor has ended. */
  readonly stopRequested: Promise<string>
  /** This process serves. */
  running(url: string): void
  /** @param report made whenever a process of the group collects reports; JSON */
  provide(report: () => Promise<unknown>): void
  /** The reports of all processes, this one included; `undefined` when the supervisor does not respond. */
  collect(): Promise<GroupReports | undefined>
}

/** Milliseconds; longer than the supervisor waits for the reports. */
const COLLECT_TIMEOUT = 3 * SECOND
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Whether a supervisor has started this process. */
export const hasSupervisor = (): boolean => process.send !== undefined

/**
 * Joins the group of the supervisor that has started this process; resolves when it has its assignment.
 *
 * @returns `undefined` when this process is to stop before it has one
 */
export async function joinGroup(): Promise<Member | undefined> {
  const collected = createPending<GroupReports>(COLLECT_TIMEOUT)
  const assigned = Promise.withResolvers<Assignment>()
  const stopping = Promise.withResolvers<string>()
  let makeReport: () => Promise<unknown> = async () => undefined
  // Signals after the first have no effect: a terminal and systemd send theirs to all processes of a group, and the supervisor its
  // own. It ends processes by force.
  for (const signal of SIGNALS) process.on(signal, () => stopping.resolve(signal))
  process.on('disconnect', () => {
    stopping.resolve('disconnect')
    collected.close()
  })
  process.on('message', (message: ToMember) => {
    if (message.type === 'start') assigned.resolve(message.assignment)
    else if (message.type === 'collected') collected.resolve(message.id, message)
    else void report(message.id, makeReport)
  })
  send({ type: 'joined' })
  const assignment = await Promise.race([assigned.promise, stopping.promise.then(() => undefined)])
  return (
    assignment && {
      assignment,
      stopRequested: stopping.promise,
      running: (url) => void send({ type: 'running', url }),
      provide(report) {
        makeReport = report
      },
      collect: () => collected.request((id) => send({ type: 'collect', id })),
    }
  )
}

/** One that can't be made is missing from what is collected. */
async function report(id: number, make: () => Promise<unknown>): Promise<void> {
  const made = await make().catch(() => undefined)
  send({ type: 'reported', id, report: made })
}

/** @returns whether the supervisor may receive it */
function send(message: ToSupervisor): boolean {
  if (!process.connected) return false
  try {
    process.send?.(message)
    return true
  } catch {
    // The supervisor has ended; `disconnect` follows.
    return false
  }
}
