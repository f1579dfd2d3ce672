import { hostname } from 'node:os'
import { redact } from './redact.ts'
import {
  choice,
  databaseUrl,
  duration,
  hosts,
  integer,
  networks,
  origins,
  type Setting,
  secret,
  text,
} from './settings.ts'

/**
 * Every setting, in the order of the help text. Names and defaults are stable; `doc` is shown by `--help` and in the
 * README.
 */
export const settings = {
  host: text('HOST', {
    fallback: '127.0.0.1',
    doc: 'Address to listen on. Other than loopback needs a key for access control, or ALLOW_ANONYMOUS=yes.',
  }),
  allowedHosts: hosts('ALLOWED_HOSTS', {
    doc: 'Host names that requests may use, besides localhost and HOST (and any IP address when HOST is not loopback). *.example.com matches subdomains; * disables the check.',
  }),
  allowedOrigins: origins('ALLOWED_ORIGINS', {
    doc: 'Other origins whose pages may use the API (CORS), such as https://app.example.com.',
  }),
  trustedProxies: networks('TRUSTED_PROXIES', {
    doc: 'Addresses and networks of proxies whose X-Forwarded-For names the client, for limits by address. Without any, the address of the connection counts.',
  }),
  allowAnonymous: choice('ALLOW_ANONYMOUS', {
    of: ['no', 'yes'],
    fallback: 'no',
    doc: 'Without any key (JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL, JWT_ISSUERS, PUBLISH_KEYS, sse-update key create), every client may do everything. The server then listens on loopback only, unless this is yes.',
  }),
  jwtSecret: secret('JWT_SECRET', {
    doc: 'Shared secret of at least 32 bytes that tokens are signed with (HS256).',
  }),
  jwtPublicKey: text('JWT_PUBLIC_KEY', {
    fallback: undefined,
    doc: 'Public key that verifies tokens: PEM, a JWK, or the path of a file with one. RSA, EC or Ed25519.',
  }),
  jwksUrl: text('JWKS_URL', {
    fallback: undefined,
    doc: 'URL of the JWK Set of the identity provider (https).',
  }),
  jwtIssuer: text('JWT_ISSUER', { fallback: undefined, doc: 'Required issuer (iss) of tokens; any without it.' }),
  jwtAudience: text('JWT_AUDIENCE', { fallback: undefined, doc: 'Required audience (aud) of tokens; any without it.' }),
  jwtIssuers: secret('JWT_ISSUERS', {
    doc: 'Several issuers instead, as a JSON array: [{"issuer": "…", "audience": "…", "jwksUrl": "…"}], or with "publicKey" or "secret" instead of "jwksUrl".',
  }),
  publishKeys: secret('PUBLISH_KEYS', {
    doc: 'Keys of backends, as a JSON array: [{"name": "…", "key": "…", "publish": ["orders.>"], "subscribe": [], "role": "user"}], keys of at least 32 characters. "sse-update key create" stores keys in Postgres instead.',
  }),
  jwtSubscribeClaim: text('JWT_SUBSCRIBE_CLAIM', {
    fallback: 'subscribe',
    doc: 'Claim with the channel patterns that may be read.',
  }),
  jwtPublishClaim: text('JWT_PUBLISH_CLAIM', {
    fallback: 'publish',
    doc: 'Claim with the channel patterns that may be published to.',
  }),
  jwtRoleClaim: text('JWT_ROLE_CLAIM', { fallback: 'role', doc: 'Claim with the role: operator, or user.' }),
  port: integer('PORT', { min: 0, max: 65_535, fallback: 8080, doc: 'Port to listen on; 0 takes a free one.' }),
  instanceName: text('INSTANCE_NAME', {
    fallback: `${hostname()}-${process.pid}`,
    shown: 'host name and process id',
    doc: 'Name of this instance in streams, logs and the cluster view.',
  }),
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
  heartbeatMs: integer('HEARTBEAT_MS', {
    min: 100,
    max: 3_600_000,
    fallback: 15_000,
    unit: 'ms',
    doc: 'Time without an event on a stream after which a heartbeat is sent. Independently of it, a comment follows at most 4 s after the last byte, so that clients with a read timeout of 5 s stay connected.',
  }),
  flushIntervalMs: integer('FLUSH_INTERVAL_MS', {
    min: 0,
    max: 1000,
    fallback: 5,
    unit: 'ms',
    doc: 'Minimum interval between two writes to a stream. Events that arrive in between are sent in one write.',
  }),
  retryMs: integer('RETRY_MS', {
    min: 0,
    max: 600_000,
    fallback: 2000,
    unit: 'ms',
    doc: 'Reconnection time sent to clients (retry:). Each client gets a random value between this and twice this.',
  }),
  stallTimeoutMs: integer('STALL_TIMEOUT_MS', {
    min: 0,
    max: 3_600_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Time after which a stream whose client has stopped reading is closed; 0 disables it.',
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
  windowBytes: integer('WINDOW_BYTES', {
    min: 0,
    max: 64 * 2 ** 30,
    fallback: 64 * 2 ** 20,
    unit: 'bytes',
    doc: 'Memory for the newest events, from which reconnecting clients are served without a query.',
  }),
  retention: duration('RETENTION', {
    shown: '7d',
    unit: 's, m, h or d',
    doc: 'How long events are kept, plus up to a quarter of that time; 0 keeps them forever.',
  }),
  retentionEvents: integer('RETENTION_EVENTS', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    fallback: 0,
    unit: 'events',
    doc: 'How many of the newest events are kept, plus up to one partition (one million events); 0 sets no limit.',
  }),
  retentionIntervalMs: integer('RETENTION_INTERVAL_MS', {
    min: 10,
    max: 86_400_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Interval between checks for expired events, tasks, notifications and orders.',
  }),
  taskRetention: duration('TASK_RETENTION', {
    shown: '30d',
    unit: 's, m, h or d',
    doc: 'How long ended tasks are kept, with their files; 0 keeps them forever.',
  }),
  notificationRetention: duration('NOTIFICATION_RETENTION', {
    shown: '90d',
    unit: 's, m, h or d',
    doc: 'How long notifications are kept, read or not; 0 keeps them forever.',
  }),
  orderRetention: duration('ORDER_RETENTION', {
    shown: '0',
    unit: 's, m, h or d',
    doc: 'How long delivered and cancelled orders are kept after their last change; 0 keeps them forever.',
  }),
  maxConnections: integer('MAX_CONNECTIONS', {
    min: 1,
    max: 10_000_000,
    fallback: 50_000,
    unit: 'streams',
    doc: 'Maximum number of open streams of one instance. Further clients get closing with a time to wait.',
  }),
  maxStreamsPerSubject: integer('MAX_STREAMS_PER_SUBJECT', {
    min: 0,
    max: 10_000_000,
    fallback: 1000,
    unit: 'streams',
    doc: 'Maximum number of open streams of one subject (of a token) or key on one instance. Further ones get closing with a time to wait; 0 disables it.',
  }),
  maxStreamsPerAddress: integer('MAX_STREAMS_PER_ADDRESS', {
    min: 0,
    max: 10_000_000,
    fallback: 0,
    unit: 'streams',
    doc: 'The same limit for one client address (IPv6: network of 64 bits). 0 disables it: behind a proxy that is not in TRUSTED_PROXIES all clients share its address, and so do the users of a network with one.',
  }),
  publishRate: integer('PUBLISH_RATE', {
    min: 0,
    max: 10_000_000,
    fallback: 0,
    unit: 'events per second',
    doc: 'Rate at which one subject, key, or (without keys) address may publish over HTTP to one instance, after a burst of one second or 1000 events. Further requests get 429; 0 disables it.',
  }),
  maxPendingPublishes: integer('MAX_PENDING_PUBLISHES', {
    min: 1,
    max: 10_000_000,
    fallback: 10_000,
    unit: 'requests',
    doc: 'Maximum number of publish requests that wait for Postgres. Further ones get 503 with Retry-After.',
  }),
  maxEventBytes: integer('MAX_EVENT_BYTES', {
    min: 1024,
    max: 2 ** 20,
    fallback: 60 * 2 ** 10,
    unit: 'bytes',
    doc: "Maximum size of an event's data, as JSON. Several clients reject frames above 64 KiB unless configured otherwise; with the default, no event published over HTTP produces a larger frame (SQL may publish 1 MiB, and raw data of many short lines grows).",
  }),
  maxRequestBytes: integer('MAX_REQUEST_BYTES', {
    min: 1024,
    max: 16 * 2 ** 20,
    fallback: 2 * 2 ** 20,
    unit: 'bytes',
    doc: 'Maximum body size of a publish request. Other routes have smaller limits of their own.',
  }),
  bodyTimeoutMs: integer('BODY_TIMEOUT_MS', {
    min: 1000,
    max: 600_000,
    fallback: 30_000,
    unit: 'ms',
    doc: 'Time for a request body to arrive, uploads excepted. A rate below 1 KiB/s over 5 s is rejected in any case (uploads: 16 KiB/s over 15 s).',
  }),
  maxBodyMemory: integer('MAX_BODY_MEMORY', {
    min: 2 ** 20,
    max: 64 * 2 ** 30,
    fallback: 64 * 2 ** 20,
    unit: 'bytes',
    doc: 'Memory for request bodies that are being read. When it is used up, the oldest of those that take more than a second get 503.',
  }),
  maxBodies: integer('MAX_BODIES', {
    min: 1,
    max: 10_000_000,
    fallback: 1000,
    unit: 'requests',
    doc: 'Maximum number of concurrent request bodies that take more than a second to arrive. Further ones get 503.',
  }),
  maxBodiesPerAddress: integer('MAX_BODIES_PER_ADDRESS', {
    min: 0,
    max: 10_000_000,
    fallback: 100,
    unit: 'requests',
    doc: 'The same limit for one client address, which may use a quarter of MAX_BODY_MEMORY; further ones get 429. 0 disables it: use that behind a proxy that does not buffer requests, where all clients share its address.',
  }),
  workerConcurrency: integer('WORKER_CONCURRENCY', {
    min: 0,
    max: 100,
    fallback: 2,
    unit: 'tasks',
    doc: 'Maximum number of tasks that this instance runs concurrently; 0 leaves them to other instances.',
  }),
  tasksRunningPerOwner: integer('TASKS_RUNNING_PER_OWNER', {
    min: 0,
    max: 10_000,
    fallback: 0,
    unit: 'tasks',
    doc: 'Maximum number of tasks of one owner that run concurrently, over all instances. 0 means one less than WORKER_CONCURRENCY, but at least 1, so that a worker stays free for other owners.',
  }),
  tasksPerOwner: integer('TASKS_PER_OWNER', {
    min: 1,
    max: 1_000_000,
    fallback: 100,
    unit: 'tasks',
    doc: 'Maximum number of queued and running tasks of one owner. Further ones get 429.',
  }),
  maxUploadBytes: integer('MAX_UPLOAD_BYTES', {
    min: 1024,
    max: 2 ** 34,
    fallback: 100 * 2 ** 20,
    unit: 'bytes',
    doc: 'Maximum size of a file to import.',
  }),
  maxOwnerBytes: integer('MAX_OWNER_BYTES', {
    min: 1024,
    max: 2 ** 40,
    fallback: 2 ** 30,
    unit: 'bytes',
    doc: "Maximum total size of the files of one owner's tasks. Beyond it, reports and imports get 409 until tasks are deleted.",
  }),
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

/**
 * The settings as values: durations in milliseconds, sizes in bytes; `undefined` where a setting without a default is
 * unset.
 */
export type Config = { readonly [K in keyof typeof settings]: (typeof settings)[K]['fallback'] }

/** The environment holds invalid settings; `problems` has one line for each. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

/**
 * Reads and validates the environment. A variable that is empty or only white space counts as missing.
 *
 * @throws {ConfigError} with the value and the expected form of every invalid variable
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = []
  const read = (setting: Setting<unknown>) => {
    const value = env[setting.name]?.trim()
    if (!value) return setting.fallback
    try {
      return setting.parse(value)
    } catch (error) {
      problems.push(`${setting.name} is ${shownValue(setting, value)}, wants ${(error as Error).message}`)
      return setting.fallback
    }
  }
  const config = Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, read(setting)]))
  if (problems.length > 0) throw new ConfigError(problems)
  return config as Config
}

/** A refused value as an error shows it: no secret, and of a URL that may have a password only what follows it. */
function shownValue(setting: Setting<unknown>, value: string): string {
  if (setting.unit === 'secret') return '…'
  return JSON.stringify(DATABASE_URLS.has(setting.name) ? redact(value).replace(/^.*@/, '…@') : redact(value))
}

const DATABASE_URLS = new Set([settings.databaseUrl.name, settings.databaseListenUrl.name])

/** Members of JSON settings that are secrets. */
const SECRET_MEMBER = /"(?:secret|key)"\s*:\s*("(?:[^"\\]|\\.)*")/g

/**
 * The values that no output may show: secret settings, the secrets inside them, and the passwords of databases.
 *
 * @param textOf the text of a setting, from the environment or from the configuration
 */
export function secretsOf(textOf: (key: keyof Config) => unknown): string[] {
  return (Object.keys(settings) as (keyof Config)[]).flatMap((key) => {
    const value = textOf(key)
    if (typeof value !== 'string') return []
    if (settings[key].unit === 'secret')
      return [value, ...[...value.matchAll(SECRET_MEMBER)].map(([, text]) => parsed(text))]
    return DATABASE_URLS.has(settings[key].name) ? passwordsOf(value) : []
  })
}

/** The secrets of an environment, which may be invalid. */
export const secretsOfEnvironment = (env: Record<string, string | undefined>): string[] =>
  secretsOf((key) => env[settings[key].name]?.trim())

function parsed(text = '""'): string {
  try {
    return JSON.parse(text) as string
  } catch {
    return text
  }
}

/** As it is in the URL, and decoded. */
function passwordsOf(url: string): string[] {
  const { password = '', searchParams } = URL.parse(url) ?? {}
  const all = [password, searchParams?.get('password') ?? '']
  try {
    return [...all, decodeURIComponent(password)]
  } catch {
    return all
  }
}
