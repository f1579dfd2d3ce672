import { Type } from '@sinclair/typebox'

const Streams = Type.Integer({ examples: [1] })
const Transports = Type.Object(
  { sse: Streams, websocket: Streams, poll: Streams },
  { description: 'open streams by transport; missing from instances of earlier versions' },
)

/** What an instance reports of itself with each heartbeat. */
export const InstanceStatus = Type.Object({
  connections: Type.Integer({ description: 'open streams', examples: [3] }),
  transports: Type.Optional(Transports),
  position: Type.Integer({ description: 'position of the newest event that it has read', examples: [42] }),
  lag: Type.Integer({ description: 'events of the log that it had not read at that time' }),
  isListening: Type.Boolean({ description: 'whether notifications arrive', examples: [true] }),
  isDraining: Type.Boolean(),
  relayed: Type.Integer({ description: 'events that it moved out of the outbox since it started', examples: [12] }),
  relaying: Type.Boolean({ description: 'whether it moved events out of the outbox within the last seconds' }),
  published: Type.Integer({ description: 'events published over HTTP since it started', examples: [30] }),
  tasksRunning: Type.Integer({ examples: [1] }),
  memoryBytes: Type.Integer({ examples: [94_371_840] }),
})

/** Response of `/api/cluster`. */
export const ClusterView = Type.Object(
  {
    instances: Type.Array(
      Type.Object({
        id: Type.String({ format: 'uuid', examples: ['0c5a3b7e-2b9e-4c56-9a43-8f1f6f0f2d11'] }),
        name: Type.String({ examples: ['web-1-4711'] }),
        version: Type.String({ examples: ['0.1.0'] }),
        url: Type.String({ description: 'URL on which it listens', examples: ['http://127.0.0.1:8080'] }),
        startedAt: Type.String({ format: 'date-time' }),
        isSelf: Type.Boolean({ description: 'whether it is the instance that responds' }),
        status: InstanceStatus,
      }),
    ),
    postgres: Type.Object({
      version: Type.String({ examples: ['18.4'] }),
      uptimeMs: Type.Number({ examples: [3_600_000] }),
      connections: Type.Integer({ examples: [14] }),
      maxConnections: Type.Integer({ examples: [100] }),
      databaseBytes: Type.Integer({ examples: [12_000_000] }),
      logBytes: Type.Integer({ examples: [4_000_000] }),
      partitions: Type.Integer({ examples: [2] }),
      outboxEvents: Type.Integer({ description: 'events in the outbox; counted up to 10,000' }),
      head: Type.Integer({ description: 'position of the newest event', examples: [42] }),
      oldest: Type.Integer({ description: 'position of the oldest event that is kept', examples: [1] }),
      oldestTime: Type.Union([Type.String({ examples: ['2026-11-21 10:00:00+00'] }), Type.Null()]),
    }),
    settings: Type.Object({
      retentionMs: Type.Integer({ description: 'events are kept this long; 0 is forever', examples: [604_800_000] }),
      retentionEvents: Type.Integer({ description: 'number of events that are kept; 0 is any number' }),
      lab: Type.Boolean({ description: 'whether the lab may cause faults' }),
    }),
  },
  { title: 'Cluster' },
)

/** See the schema of the same name. */
export type InstanceStatus = typeof InstanceStatus.static
/** See the schema of the same name. */
export type ClusterView = typeof ClusterView.static
