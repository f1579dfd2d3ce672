import { readAccessSettings } from './auth/access.ts'
import { startDatabase } from './common-runtime.ts'
import { findPort } from './http-server.ts'
import type { Config } from './platform/config.ts'
import { type DatabaseAddress, describeAddress } from './platform/database.ts'
import { type Lifecycle, withLifecycle } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { ProcessGroup } from './platform/process-group/process-group.ts'
import { SECOND } from './platform/time.ts'
import { readCertificate } from './platform/tls.ts'
import { prepareDatabase } from './prepare-database.ts'
import type { Runtime } from './runtime.ts'

/** Instances in processes of their own that share a port. */
export interface GroupRuntime extends Runtime {
  /** Rejects with a `GroupStartError` when no process serves and none can be started. */
  failed: Promise<never>
}

/** Milliseconds that a process may take to stop beyond its own settings: for its connections, and on a busy machine. */
const STOP_MARGIN = 5 * SECOND

/**
 * Supervises `PROCESSES` instances on one port: opens and migrates the database, or runs the embedded Postgres, starts the processes,
 * and restarts those that end. It serves nothing itself. Resolves when all of them accept requests.
 *
 * @param command starts one process, which joins the group (`joinGroup`)
 * @throws {ListenError} when the port is taken, or HOST is no address of this machine
 * @throws {GroupStartError} when a process can't start
 * @throws what else keeps an instance from starting (see `startRuntime`), before the processes start: it is reported once
 */
export const startGroup = (
  config: Config,
  logger: Logger,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<GroupRuntime> =>
  withLifecycle(
    logger,
    async (lifecycle) => {
      await readAccessSettings(config)
      await readCertificate(config)
      const port = await findPort(config)
      const { address } = await startDatabase({ config, logger, lifecycle, mayCreate: true })
      await prepareDatabase(address, config, logger, lifecycle.signal)
      const group = createGroup({ ...config, port }, logger, command, address)
      const url = await startAs(lifecycle, group)
      return { url, database: describeAddress(address), failed: group.failed, stop: () => lifecycle.stop() }
    },
    signal,
  )

function createGroup(config: Config, logger: Logger, command: readonly string[], address: DatabaseAddress) {
  return new ProcessGroup({
    count: config.processes,
    command,
    assign: (number) => ({
      number,
      port: config.port,
      instanceName: `${config.instanceName}.${number}`,
      ...(typeof address !== 'string' && { embedded: address }),
    }),
    stopTimeout: config.drainMs + config.shutdownTimeoutMs + STOP_MARGIN,
    logger: logger.child({ part: 'processes' }),
  })
}

/** Starts the group as a part of the life cycle. @returns its URL */
async function startAs(lifecycle: Lifecycle, group: ProcessGroup): Promise<string> {
  let url = ''
  await lifecycle.start('processes', {
    async start(signal) {
      url = await group.start(signal)
    },
    stop: () => group.stop(),
  })
  return url
}
