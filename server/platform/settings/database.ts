import { choice, databaseUrl, integer, text } from './setting.ts'

/** The Postgres that holds the log. */
export const databaseSettings = {
  databaseUrl: databaseUrl('DATABASE_URL', {
    shown: 'embedded Postgres',
    doc: 'Postgres database that holds the log. When unset, the server starts an embedded Postgres.',
  }),
  databaseListenUrl: databaseUrl('DATABASE_LISTEN_URL', {
    shown: 'DATABASE_URL',
    doc: 'Direct connection for LISTEN when DATABASE_URL goes through a pooler.',
  }),
  databasePool: integer('DATABASE_POOL', {
    min: 10,
    max: 1000,
    fallback: 12,
    unit: 'connections',
    doc: 'Maximum number of connections to Postgres, not counting the listening connection.',
  }),
  queryTimeoutMs: integer('QUERY_TIMEOUT_MS', {
    min: 100,
    max: 600_000,
    fallback: 5000,
    unit: 'ms',
    doc: 'Time after which a query without a response counts as lost and the connections to Postgres are replaced.',
  }),
  dataDir: text('DATA_DIR', {
    fallback: undefined,
    shown: '.data, or under /var/lib/sse-update',
    doc: 'Data directory of the embedded Postgres. Instances with the same directory share one Postgres.',
  }),
  migrate: choice('MIGRATE', {
    of: ['on', 'off'],
    fallback: 'on',
    doc: 'Apply migrations at start. When off, the server starts only if they have been applied.',
  }),
  pollIntervalMs: integer('POLL_INTERVAL_MS', {
    min: 10,
    max: 60_000,
    fallback: 1000,
    unit: 'ms',
    doc: 'Poll interval of the log, for the case that a notification is lost.',
  }),
  outboxPollMs: integer('OUTBOX_POLL_MS', {
    min: 5,
    max: 60_000,
    fallback: 50,
    unit: 'ms',
    doc: 'Poll interval of the outbox, for events published from SQL.',
  }),
} as const
