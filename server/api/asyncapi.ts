import { type TSchema, Type } from '@sinclair/typebox'
import { NotificationSent, NotificationsRead } from '../shop/notifications/events.ts'
import { ORDER_EVENTS, OrderChange } from '../shop/orders/events.ts'
import { TASK_EVENTS, TaskChange } from '../shop/tasks/events.ts'
import { exampleOf } from './schema-example.ts'
import { hoist } from './schema-refs.ts'

interface Message {
  summary: string
  data: TSchema
}

interface Channel {
  address: string
  title: string
  /** Parameters of the address, with an example. */
  parameters: Record<string, readonly [description: string, example: string]>
  messages: Record<string, Message>
}

const each = (summaries: Record<string, string>, data: TSchema): Record<string, Message> =>
  Object.fromEntries(Object.entries(summaries).map(([type, summary]) => [type, { summary, data }]))

/** The channels of the application, and what is published on them. */
const CHANNELS: Record<string, Channel> = {
  orders: {
    address: 'orders.{customer}.{id}',
    title: 'An order',
    parameters: { customer: ['Whose order it is.', 'alice'], id: ['Of the order.', '17'] },
    messages: each(ORDER_EVENTS, OrderChange),
  },
  tasks: {
    address: 'tasks.{owner}.{id}',
    title: 'A task',
    parameters: { owner: ['Who started it.', 'bob'], id: ['Of the task.', '9'] },
    messages: each(TASK_EVENTS, TaskChange),
  },
  notifications: {
    address: 'notifications.{person}',
    title: "A person's notifications",
    parameters: { person: ['Whose inbox it is.', 'alice'] },
    messages: {
      'notification.sent': { summary: 'Somebody sent the person a notification.', data: NotificationSent },
      'notification.read': { summary: 'The person has read some, here or in another tab.', data: NotificationsRead },
    },
  },
  broadcast: {
    address: 'broadcast',
    title: 'Everyone',
    parameters: {},
    messages: { 'notification.sent': { summary: 'Somebody sent everyone a notification.', data: NotificationSent } },
  },
}

/** What the server itself says on every stream: these have no channel, and are not in the log. */
const CONTROL: Record<string, Message> = {
  ready: {
    summary: 'The first event of every stream.',
    data: Type.Object({
      connection: Type.String({ description: 'names the connection, for support', examples: ['7'] }),
      channels: Type.Array(Type.String(), {
        description: 'patterns of the channels that the stream follows',
        examples: [['orders.>']],
      }),
      cursor: Type.Integer({ description: 'the stream begins after this position', examples: [42] }),
      oldest: Type.Integer({ description: 'position of the oldest event that is kept', examples: [1] }),
      head: Type.Integer({
        description: 'position of the newest event: up to there the stream catches up',
        examples: [50],
      }),
      instance: Type.String({ description: 'which instance answers', examples: ['web-1'] }),
      resumed: Type.Boolean({ description: 'whether the client said where to begin' }),
      heartbeat: Type.Integer({
        description: 'milliseconds of silence after which a heartbeat comes',
        examples: [15_000],
      }),
    }),
  },
  gap: {
    summary: 'Events between the cursor and what is left are gone: refetch your state, and go on.',
    data: Type.Object({
      from: Type.Union([Type.Integer(), Type.Null()], {
        description: "the client's cursor; null when it is not a position",
        examples: [42],
      }),
      to: Type.Integer({ examples: [1000] }),
      reason: Type.Union([Type.Literal('purged'), Type.Literal('unknown'), Type.Literal('lost')], {
        description: 'retention passed the cursor by; the cursor is not of this log; or rows of the log were deleted',
      }),
    }),
  },
  heartbeat: {
    summary: 'Nothing else came for a while, or the stream has caught up; its id moves the cursor.',
    data: Type.Object({}),
  },
  closing: {
    summary: 'The server ends the stream; come back after `retry` milliseconds. Its id, if any, is the cursor.',
    data: Type.Object({
      reason: Type.String({
        description:
          'drain: the instance stops; full: it has as many streams as it takes; unavailable: Postgres is out of reach; replaced: the clientId has opened another stream; stalled: the client did not read; error: a failure of the server. Others may follow.',
        examples: ['drain'],
      }),
      retry: Type.Integer({ description: 'milliseconds until the client reconnects, as in `retry:`', examples: [120] }),
    }),
  },
}

/** The AsyncAPI document (3.0.0) of the events, from the schemas of what is published. */
export function asyncApiDocument(version: string) {
  const schemas: Record<string, unknown> = {}
  const channels = Object.fromEntries(
    Object.entries(CHANNELS).map(([name, { address, title, parameters, messages }]) => [
      name,
      {
        address,
        title,
        parameters: Object.fromEntries(
          Object.entries(parameters).map(([parameter, [description, example]]) => [
            parameter,
            { description, examples: [example] },
          ]),
        ),
        messages: messagesOf(messages, schemas, (type, data) => envelope(fill(address, parameters), type, data)),
      },
    ]),
  )
  const stream = {
    address: null,
    title: 'Every stream',
    description: 'What the server itself says, as named events.',
    messages: messagesOf(CONTROL, schemas, (_, data) => data),
  }
  const all = { ...channels, stream }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'sse-update events',
      version,
      description:
        'Events come from GET /events as Server-Sent Events: `event` is the type, `id` the position in the log, `data` the payload given here. Ask for channels with `?channel=`, any number of times; `*` stands for one token and `>` for the rest.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: all,
    operations: Object.fromEntries(
      Object.keys(all).map((name) => [
        `follow-${name}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${name}` },
          summary: 'The server sends, clients of /events follow.',
        },
      ]),
    ),
    components: { schemas },
  }
}

const fill = (address: string, parameters: Channel['parameters']) =>
  address.replace(/\{(\w+)\}/g, (_, name: string) => parameters[name]?.[1] ?? '')

function messagesOf(
  messages: Record<string, Message>,
  schemas: Record<string, unknown>,
  payloadOf: (type: string, data: TSchema) => TSchema,
) {
  return Object.fromEntries(
    Object.entries(messages).map(([type, { summary, data }]) => {
      const payload = payloadOf(type, data)
      return [
        type,
        {
          name: type,
          title: type,
          summary,
          payload: hoist(payload, schemas),
          examples: [{ payload: exampleOf(payload) }],
        },
      ]
    }),
  )
}

/** What an event of the log carries on the wire. */
const envelope = (channel: string, type: string, data: TSchema) =>
  Type.Object({
    channel: Type.String({ examples: [channel] }),
    type: Type.Literal(type),
    data,
    time: Type.String({ format: 'date-time', description: 'when it entered the log' }),
  })
