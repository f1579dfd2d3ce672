import { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { createLogger } from '../platform/logger.ts'
import { hasSupervisor, joinGroup, type Member } from '../platform/process-group/member.ts'
import { startRuntime } from '../runtime.ts'
import { throwStartError } from './listen-error.ts'
import { CommandError } from './output.ts'
import { runUntilStopped } from './run-until-stopped.ts'

/** Name of the command by which `serve` starts the processes of a group. */
export const SERVE_PROCESS = 'serve-process'

/** One process of `sse-update serve --processes`; not for operators. */
export const serveProcessCommand = () =>
  new Command(SERVE_PROCESS).description('One process of "serve --processes", which starts it.').action(async () => {
    if (!hasSupervisor())
      throw new CommandError(`Use "sse-update serve --processes", which starts ${SERVE_PROCESS}.`, 2)
    const member = await joinGroup()
    if (member) await serveAs(member)
  })

async function serveAs(member: Member): Promise<void> {
  const { number, port, instanceName } = member.assignment
  const config = { ...loadConfig(process.env), port, instanceName }
  const logger = createLogger(config).child({ process: number })
  await runUntilStopped({
    start: (signal) => startRuntime(config, logger, signal, member).catch((error) => throwStartError(error, config)),
    onRunning: ({ url }) => member.running(url),
    requested: member.stopRequested,
    logger,
  })
}
