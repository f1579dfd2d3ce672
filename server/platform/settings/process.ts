import { availableParallelism } from 'node:os'
import { choice, integer, type Setting } from './setting.ts'

/** Most processes on one port. */
const MAX_PROCESSES = 512

/** How many processes serve: a number, or `auto` for the cores that this process may use. */
const processes: Setting<number> = {
  name: 'PROCESSES',
  doc: 'Number of processes that serve the port together, each an instance of its own: limits "of one instance" and DATABASE_POOL count for each. auto starts one for each core. More than one needs Linux.',
  unit: 'processes, or auto',
  shown: '1',
  fallback: 1,
  parse(value) {
    const count = value === 'auto' ? Math.min(MAX_PROCESSES, availableParallelism()) : Number(value)
    if ((value !== 'auto' && !/^\d+$/.test(value)) || count < 1 || count > MAX_PROCESSES) {
      throw new Error(`a whole number from 1 to ${MAX_PROCESSES}, or auto`)
    }
    return count
  },
}

/** How many processes serve, their end, the lab and the log output. */
export const processSettings = {
  processes,
  drainMs: integer('DRAIN_MS', {
    min: 0,
    max: 600_000,
    fallback: 5000,
    unit: 'ms',
    doc: 'Time over which streams are closed after SIGTERM or SIGINT (less when there are few streams).',
  }),
  shutdownTimeoutMs: integer('SHUTDOWN_TIMEOUT_MS', {
    min: 100,
    max: 600_000,
    fallback: 10_000,
    unit: 'ms',
    doc: 'Time after DRAIN_MS to finish requests and tasks; then the process exits regardless. Tasks that need more than half of it are returned to the queue. The embedded Postgres has as long to stop before it is killed.',
  }),
  lab: choice('LAB', {
    of: ['auto', 'on', 'off'],
    fallback: 'auto',
    doc: "Allows the dashboard's lab to close streams and database connections. auto enables it only with the embedded Postgres.",
  }),
  logLevel: choice('LOG_LEVEL', {
    of: ['silent', 'error', 'warn', 'info', 'debug'],
    fallback: 'info',
    doc: 'Minimum severity that is logged.',
  }),
  logFormat: choice('LOG_FORMAT', {
    of: ['auto', 'json', 'pretty'],
    fallback: 'auto',
    doc: 'Log format: JSON lines, or readable lines; auto is pretty on a terminal.',
  }),
} as const
