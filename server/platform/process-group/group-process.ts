import { SECOND } from '../time.ts'
import type { Assignment, GroupReports, ToMember, ToSupervisor } from './messages.ts'
import { createPending } from './pending.ts'

/** How a process has ended. */
export interface Exit {
  /** `null` when a signal has ended it. */
  code: number | null
  signal: string | null
}

/** What {@link GroupProcess} needs. */
export interface GroupProcessOptions {
  /** Program and arguments. Its standard output and standard error are those of the supervisor. */
  command: readonly string[]
  assignment: Assignment
  /** The reports of the whole group, which one of its processes wants. */
  collect: () => Promise<GroupReports>
}

/** Milliseconds that a process has for a report. */
const REPORT_TIMEOUT = SECOND

/** A process of a group, as its supervisor sees it. It is started by the constructor. */
export class GroupProcess {
  readonly #child: Bun.Subprocess<'ignore', 'inherit', 'inherit'>
  readonly #options: GroupProcessOptions
  readonly #reports = createPending<unknown>(REPORT_TIMEOUT)
  readonly #running = Promise.withResolvers<string | undefined>()
  /** Resolves when it has ended. */
  readonly exited: Promise<Exit>
  #isRunning = false

  /** @throws the error of the system when no process can be made */
  constructor(options: GroupProcessOptions) {
    this.#options = options
    this.#child = Bun.spawn([...options.command], {
      stdio: ['ignore', 'inherit', 'inherit'],
      serialization: 'json',
      ipc: (message: ToSupervisor) => this.#receive(message),
    })
    this.exited = this.#child.exited.then((): Exit => {
      this.#isRunning = false
      this.#running.resolve(undefined)
      this.#reports.close()
      const { exitCode, signalCode } = this.#child
      return { code: exitCode, signal: signalCode === null ? null : String(signalCode) }
    })
  }

  get pid(): number {
    return this.#child.pid
  }

  /** Whether it serves. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Resolves to its URL when it serves; to `undefined` when it ends before. */
  get running(): Promise<string | undefined> {
    return this.#running.promise
  }

  /** What the process reports; `undefined` when it does not respond within a second. */
  report(): Promise<unknown> {
    return this.#reports.request((id) => this.#send({ type: 'report', id }))
  }

  /** Has no effect on a process that has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #receive(message: ToSupervisor): void {
    switch (message.type) {
      case 'joined':
        this.#send({ type: 'start', assignment: this.#options.assignment })
        return
      case 'running':
        this.#isRunning = true
        this.#running.resolve(message.url)
        return
      case 'reported':
        this.#reports.resolve(message.id, message.report)
        return
      case 'collect':
        void this.#options.collect().then((reports) => this.#send({ type: 'collected', id: message.id, ...reports }))
    }
  }

  /** @returns whether the process may receive it */
  #send(message: ToMember): boolean {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return false
    try {
      this.#child.send(message)
      return true
    } catch {
      // The channel closes a moment before the end of the process is known.
      return false
    }
  }
}
