import { integer } from './setting.ts'

/** Limits of streams, publish requests and request bodies. */
export const limitsSettings = {
  maxConnections: integer('MAX_CONNECTIONS', {
    min: 1,
    max: 10_000_000,
    fallback: 50_000,
    unit: 'streams',
    doc: 'Maximum number of open streams of one instance, or fewer where the limit of open files (ulimit -n) is too low for it. Further clients get closing with a time to wait.',
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
  requestRate: integer('REQUEST_RATE', {
    min: 0,
    max: 10_000_000,
    fallback: 0,
    unit: 'requests per second',
    doc: 'Rate at which one subject, key, or (without keys) address may send requests to one instance, after a burst of five seconds: pages of history, orders, tasks, notifications and sessions. Streams and publishing have limits of their own. Further requests get 429; 0 disables it.',
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
} as const
