import { messageOf } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { MINUTE, SECOND, sleep } from '../time.ts'
import { type Exit, GroupProcess } from './group-process.ts'
import type { Assignment, GroupReports } from './messages.ts'

/** What {@link ProcessGroup} needs. */
export interface ProcessGroupOptions {
  /** How many processes. */
  count: number
  /** Starts one: program and arguments. */
  command: readonly string[]
  /** What the process of a number is given. */
  assign: (number: number) => Assignment
  /** Milliseconds that a stop waits for the processes, before it kills them. */
  stopTimeout: number
  logger: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Milliseconds before the first restart of a process. Defaults to `100`. */
  restartDelay?: number
}

/** A process of the group could not start. It has reported why on standard error. */
export class GroupStartError extends Error {
  override name = 'GroupStartError'
  constructor(
    readonly number: number,
    readonly exit: Exit,
  ) {
    super(`Process ${number} did not start: it ended with ${describeExit(exit)}.`)
  }
}

const MAX_RESTART_DELAY = 30 * SECOND
/** Milliseconds after which the end of a process says nothing about those before it. */
const LONG_LIFE = MINUTE

/**
 * Processes of one program that share its work. One that ends without a stop is started again: after `restartDelay`, twice as long
 * each time it lives for less than a minute, up to 30 s.
 *
 * **No process outlives the supervisor**: on its exit they are killed; when it was killed itself, they stop (see `joinGroup`).
 */
export class ProcessGroup {
  readonly #options: ProcessGroupOptions
  readonly #processes = new Map<number, GroupProcess>()
  readonly #stopping = new AbortController()
  readonly #failed = Promise.withResolvers<never>()
  #supervision: Promise<unknown> = Promise.resolve()
  #restarts = 0

  constructor(options: ProcessGroupOptions) {
    this.#options = options
    this.#failed.promise.catch(() => {})
  }

  /** Rejects with a {@link GroupStartError} when a process can't be started again and no other serves. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /**
   * Resolves to the URL of the processes when all serve. The first one starts alone: what keeps all from starting is reported once.
   *
   * @throws {GroupStartError} when one of them ends before; the others are stopped then
   * @throws the reason of `signal` when it aborts
   */
  async start(signal?: AbortSignal): Promise<string> {
    process.on('exit', this.#killAll)
    const abort = () => this.#terminate(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      const url = await this.#startFirstTime(1)
      const others = Array.from({ length: this.#options.count - 1 }, (_, index) => this.#startFirstTime(index + 2))
      await Promise.all(others)
      this.#supervision = Promise.all([...this.#processes.keys()].map((number) => this.#keepRunning(number)))
      return url
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Stops all processes at the same time; kills those that have not ended after `stopTimeout`. */
  async stop(): Promise<void> {
    const { stopTimeout, logger } = this.#options
    this.#terminate()
    const late = setTimeout(() => {
      logger.warn({ timeout: stopTimeout }, 'processes did not stop in time; killing them')
      this.#killAll()
    }, stopTimeout)
    await Promise.all([...this.#processes.values()].map(({ exited }) => exited))
    clearTimeout(late)
    await this.#supervision
    process.off('exit', this.#killAll)
  }

  /** No process is started any more. */
  #terminate(reason?: unknown): void {
    this.#stopping.abort(reason)
    for (const child of this.#processes.values()) child.kill('SIGTERM')
  }

  readonly #killAll = (): void => {
    for (const child of this.#processes.values()) child.kill('SIGKILL')
  }

  async #collect(): Promise<GroupReports> {
    const serving = [...this.#processes.values()].filter(({ isRunning }) => isRunning)
    const reports = await Promise.all(serving.map((child) => child.report()))
    return { reports: reports.filter((report) => report !== undefined && report !== null), restarts: this.#restarts }
  }

  #spawn(number: number): GroupProcess {
    const { command, assign } = this.#options
    const child = new GroupProcess({ command, assignment: assign(number), collect: () => this.#collect() })
    this.#processes.set(number, child)
    return child
  }

  /** @returns its URL */
  async #startFirstTime(number: number): Promise<string> {
    this.#stopping.signal.throwIfAborted()
    const child = this.#spawn(number)
    const url = await child.running
    this.#stopping.signal.throwIfAborted()
    if (url === undefined) throw new GroupStartError(number, await child.exited)
    return url
  }

  /** Starts the process of a number again whenever it has ended, until the group stops. */
  async #keepRunning(number: number): Promise<void> {
    const { restartDelay = SECOND / 10, logger } = this.#options
    let delay = restartDelay
    let startedAt = performance.now()
    for (;;) {
      const exit = await this.#processes.get(number)?.exited
      if (this.#stopping.signal.aborted) return
      if (performance.now() - startedAt > LONG_LIFE) delay = restartDelay
      if (exit) logger.error({ process: number, ...exit, delay }, 'a process has ended; another takes its place')
      await sleep(delay, this.#stopping.signal)
      if (this.#stopping.signal.aborted) return
      delay = Math.min(MAX_RESTART_DELAY, 2 * delay)
      startedAt = performance.now()
      await this.#restart(number)
    }
  }

  /** Resolves when the process serves or has ended. */
  async #restart(number: number): Promise<void> {
    const { logger } = this.#options
    this.#restarts++
    try {
      const child = this.#spawn(number)
      if ((await child.running) !== undefined) return logger.info({ process: number, pid: child.pid }, 'serving again')
      this.#failUnlessServing(new GroupStartError(number, await child.exited))
    } catch (error) {
      logger.error({ process: number, problem: messageOf(error) }, 'no process can be made')
      this.#failUnlessServing(error)
    }
  }

  #failUnlessServing(error: unknown): void {
    const serves = [...this.#processes.values()].some(({ isRunning }) => isRunning)
    if (!serves && !this.#stopping.signal.aborted) this.#failed.reject(error)
  }
}

const describeExit = ({ code, signal }: Exit) => (signal === null ? `exit code ${code}` : signal)
