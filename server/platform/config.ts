import { hostname } from 'node:os'
import { choice, databaseUrl, duration, hosts, integer, origins, type Setting, text } from './settings.ts'

/** Every setting, in the order of the help text. */
export const settings = {
  host: text('HOST', {
    fallback: '127.0.0.1',
    doc: 'Address to listen on. There is no access control yet: open it to a network only behind something that has one.',
  }),
  allowedHosts: hosts('ALLOWED_HOSTS', {
    doc: 'Names under which the server is reached, besides localhost and HOST (and any IP address, when HOST is not loopback); *.example.com stands for subdomains, * turns the check off.',
  }),
  allowedOrigins: origins('ALLOWED_ORIGINS', {
    doc: 'Origins whose pages may use the API from another origin (CORS), such as https://app.example.com.',
  }),
  port: integer('PORT', { min: 0, max: 65_535, fallback: 8080, doc: 'Port to listen on; 0 takes a free one.' }),
  instanceName: text('INSTANCE_NAME', {
    fallback: `${hostname()}-${process.pid}`,
    shown: 'host name and process id',
    doc: 'Name of this instance, in streams and in the list of instances.',
  }),
  databaseUrl: databaseUrl('DATABASE_URL', {
    shown: 'embedded Postgres',
    doc: 'Postgres that holds the log. Without it, the server starts a Postgres of its own.',
  }),
  databaseListenUrl: databaseUrl('DATABASE_LISTEN_URL', {
    shown: 'DATABASE_URL',
    doc: 'Direct connection for LISTEN, when DATABASE_URL goes through a pooler.',
  }),
  databasePool: integer('DATABASE_POOL', {
    min: 10,
    max: 1000,
    fallback: 12,
    unit: 'connections',
    doc: 'Most connections to Postgres, besides the one that listens.',
  }),
  queryTimeoutMs: integer('QUERY_TIMEOUT_MS', {
    min: 100,
    max: 600_000,
    fallback: 5000,
    unit: 'ms',
    doc: 'Time after which a query without a result counts as lost, and its connections are replaced.',
  }),
  dataDir: text('DATA_DIR', {
    fallback: undefined,
    shown: '.data, or under /var/lib/sse-update',
    doc: 'Folder of the embedded Postgres. Instances with the same folder share one Postgres.',
  }),
  migrate: choice('MIGRATE', {
    of: ['on', 'off'],
    fallback: 'on',
    doc: 'Apply migrations at start; when off, start only if they are applied.',
  }),
  heartbeatMs: integer('HEARTBEAT_MS', {
    min: 100,
    max: 3_600_000,
    fallback: 15_000,
    unit: 'ms',
    doc: 'Time without an event on a stream after which a heartbeat is sent. Whatever it is, a comment comes at most 4 s after the last byte, so that clients with a read timeout of 5 s stay connected.',
  }),
  flushIntervalMs: integer('FLUSH_INTERVAL_MS', {
    min: 0,
    max: 1000,
    fallback: 5,
    unit: 'ms',
    doc: 'Least time between two writes to a stream; events that arrive in between are sent together.',
  }),
  retryMs: integer('RETRY_MS', {
    min: 0,
    max: 600_000,
    fallback: 2000,
    unit: 'ms',
    doc: 'Reconnection time sent to clients (retry:); each receives a random one between this and twice this.',
  }),
  stallTimeoutMs: integer('STALL_TIMEOUT_MS', {
    min: 0,
    max: 3_600_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Time without any progress after which a stream whose client does not read is closed; 0 never.',
  }),
  pollIntervalMs: integer('POLL_INTERVAL_MS', {
    min: 10,
    max: 60_000,
    fallback: 1000,
    unit: 'ms',
    doc: 'Poll interval of the log, for events whose notification did not arrive.',
  }),
  outboxPollMs: integer('OUTBOX_POLL_MS', {
    min: 5,
    max: 60_000,
    fallback: 50,
    unit: 'ms',
    doc: 'Poll interval of the outbox, for events that SQL clients publish.',
  }),
  windowBytes: integer('WINDOW_BYTES', {
    min: 0,
    max: 64 * 2 ** 30,
    fallback: 64 * 2 ** 20,
    unit: 'bytes',
    doc: 'Memory for the newest events, from which reconnecting clients are served without Postgres.',
  }),
  retention: duration('RETENTION', {
    shown: '7d',
    unit: 's, m, h or d',
    doc: 'Events are kept this long, and up to a quarter longer; 0 keeps them forever.',
  }),
  retentionEvents: integer('RETENTION_EVENTS', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    fallback: 0,
    unit: 'events',
    doc: 'The newest events that are kept, and up to a partition (one million) more; 0 keeps any number.',
  }),
  retentionIntervalMs: integer('RETENTION_INTERVAL_MS', {
    min: 10,
    max: 86_400_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Interval between two deletions of expired events, tasks, notifications and orders.',
  }),
  taskRetention: duration('TASK_RETENTION', {
    shown: '30d',
    unit: 's, m, h or d',
    doc: 'Tasks that have ended are kept this long, with their files; 0 keeps them forever.',
  }),
  notificationRetention: duration('NOTIFICATION_RETENTION', {
    shown: '90d',
    unit: 's, m, h or d',
    doc: 'Notifications are kept this long, read or not; 0 keeps them forever.',
  }),
  orderRetention: duration('ORDER_RETENTION', {
    shown: '0',
    unit: 's, m, h or d',
    doc: 'Orders that were delivered or cancelled are kept this long after their last change; 0 keeps them forever.',
  }),
  maxConnections: integer('MAX_CONNECTIONS', {
    min: 1,
    max: 10_000_000,
    fallback: 50_000,
    unit: 'streams',
    doc: 'Most streams of one instance; further ones are refused with a reconnection time.',
  }),
  maxPendingPublishes: integer('MAX_PENDING_PUBLISHES', {
    min: 1,
    max: 10_000_000,
    fallback: 10_000,
    unit: 'requests',
    doc: 'Most publish requests that wait for Postgres; further ones get 503 with Retry-After.',
  }),
  maxEventBytes: integer('MAX_EVENT_BYTES', {
    min: 1024,
    max: 2 ** 20,
    fallback: 60 * 2 ** 10,
    unit: 'bytes',
    doc: "Most bytes of an event's data, as JSON. Several clients accept no frame of more than 64 KiB unless they are configured to; at the default, no event published over HTTP makes a larger one (SQL may publish 1 MiB).",
  }),
  maxRequestBytes: integer('MAX_REQUEST_BYTES', {
    min: 1024,
    max: 16 * 2 ** 20,
    fallback: 2 * 2 ** 20,
    unit: 'bytes',
    doc: 'Most bytes of the body of a publish request; other routes have smaller limits of their own.',
  }),
  bodyTimeoutMs: integer('BODY_TIMEOUT_MS', {
    min: 1000,
    max: 600_000,
    fallback: 30_000,
    unit: 'ms',
    doc: 'Time for a request body to arrive, other than an upload; less than 1 KiB/s over 5 s is too slow in any case (uploads: 16 KiB/s over 15 s).',
  }),
  maxBodyMemory: integer('MAX_BODY_MEMORY', {
    min: 2 ** 20,
    max: 64 * 2 ** 30,
    fallback: 64 * 2 ** 20,
    unit: 'bytes',
    doc: 'Memory for request bodies that are being read; when it is exhausted, the oldest of those that take more than a second get 503.',
  }),
  maxBodies: integer('MAX_BODIES', {
    min: 1,
    max: 10_000_000,
    fallback: 1000,
    unit: 'requests',
    doc: 'Most request bodies that may take more than a second to arrive at once; further ones get 503.',
  }),
  maxBodiesPerAddress: integer('MAX_BODIES_PER_ADDRESS', {
    min: 0,
    max: 10_000_000,
    fallback: 100,
    unit: 'requests',
    doc: 'The same of one client address, which may use a quarter of MAX_BODY_MEMORY for them; further ones get 429. 0 for any number: behind a proxy that does not buffer requests, all clients have its address.',
  }),
  workerConcurrency: integer('WORKER_CONCURRENCY', {
    min: 0,
    max: 100,
    fallback: 2,
    unit: 'tasks',
    doc: 'Most tasks that this instance runs at once; 0 leaves them to other instances.',
  }),
  tasksRunningPerOwner: integer('TASKS_RUNNING_PER_OWNER', {
    min: 0,
    max: 10_000,
    fallback: 0,
    unit: 'tasks',
    doc: 'Most tasks of one owner that run at once, on all instances together; 0 is one less than WORKER_CONCURRENCY, but at least 1, so that a worker stays free for other owners.',
  }),
  tasksPerOwner: integer('TASKS_PER_OWNER', {
    min: 1,
    max: 1_000_000,
    fallback: 100,
    unit: 'tasks',
    doc: 'Most tasks of one owner that are queued or running; further ones get 429.',
  }),
  maxUploadBytes: integer('MAX_UPLOAD_BYTES', {
    min: 1024,
    max: 2 ** 34,
    fallback: 100 * 2 ** 20,
    unit: 'bytes',
    doc: 'Most bytes of a file to import.',
  }),
  maxOwnerBytes: integer('MAX_OWNER_BYTES', {
    min: 1024,
    max: 2 ** 40,
    fallback: 2 ** 30,
    unit: 'bytes',
    doc: "Most bytes of files that one owner's tasks keep; beyond it, reports and imports get 409 until tasks are deleted.",
  }),
  drainMs: integer('DRAIN_MS', {
    min: 0,
    max: 600_000,
    fallback: 5000,
    unit: 'ms',
    doc: 'After SIGTERM or SIGINT, streams are closed one after the other over this time (few streams over less).',
  }),
  shutdownTimeoutMs: integer('SHUTDOWN_TIMEOUT_MS', {
    min: 100,
    max: 600_000,
    fallback: 10_000,
    unit: 'ms',
    doc: 'Time after that to finish requests and tasks; tasks that take longer than half of it go to another instance. Then the process exits in any case.',
  }),
  lab: choice('LAB', {
    of: ['auto', 'on', 'off'],
    fallback: 'auto',
    doc: "Lets the dashboard's lab disconnect streams and database connections; auto is on only with the embedded Postgres.",
  }),
  logLevel: choice('LOG_LEVEL', {
    of: ['silent', 'error', 'warn', 'info', 'debug'],
    fallback: 'info',
    doc: 'Least severity that is logged.',
  }),
  logFormat: choice('LOG_FORMAT', {
    of: ['auto', 'json', 'pretty'],
    fallback: 'auto',
    doc: 'JSON lines, or lines for people (pretty); auto is pretty on a terminal.',
  }),
} as const

/** The value of every setting, by its name here. Durations are in milliseconds. */
export type Config = { readonly [K in keyof typeof settings]: (typeof settings)[K]['fallback'] }

/** Thrown when environment variables are invalid; `problems` has a line for each. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

/**
 * Reads and validates the environment. A variable that is empty or only white space counts as missing.
 *
 * @throws {ConfigError} that names every invalid variable, its value (without a password) and what is expected
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = []
  const read = (setting: Setting<unknown>) => {
    const value = env[setting.name]?.trim()
    if (!value) return setting.fallback
    try {
      return setting.parse(value)
    } catch (error) {
      problems.push(`${setting.name} is ${JSON.stringify(withoutPassword(value))}, wants ${(error as Error).message}`)
      return setting.fallback
    }
  }
  const config = Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, read(setting)]))
  if (problems.length > 0) throw new ConfigError(problems)
  return config as Config
}

const withoutPassword = (value: string) => value.replace(/(:\/\/).*@/, '$1…@')
