import { choice, integer } from './setting.ts'

/** The end of the process, the lab and the log output. */
export const processSettings = {
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
