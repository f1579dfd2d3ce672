import type { TSchema } from '@sinclair/typebox'
import { CONTROL_EVENTS } from '../protocol/control-events.ts'
import { envelopeOf } from '../protocol/event.ts'
import { NotificationSent, NotificationsRead } from '../shop/notifications/events.ts'
import { ORDER_EVENTS, OrderChange } from '../shop/orders/events.ts'
import { TASK_EVENTS, TaskChange } from '../shop/tasks/events.ts'
import { exampleOf } from './schema-example.ts'
import { hoist } from './schema-refs.ts'
import { CLIENT_MESSAGES, SERVER_MESSAGES, SOCKET_DESCRIPTION, type SocketMessage } from './websocket-channel.ts'

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

/** The channels of the example application, and the events that are published on them. */
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
      'notification.sent': { summary: 'The person received a notification.', data: NotificationSent },
      'notification.read': { summary: 'The person has read some, here or in another tab.', data: NotificationsRead },
    },
  },
  broadcast: {
    address: 'broadcast',
    title: 'Everyone',
    parameters: {},
    messages: { 'notification.sent': { summary: 'A notification was sent to everyone.', data: NotificationSent } },
  },
}

/** The AsyncAPI document (3.0.0): the events of each channel and the control events, from their schemas. */
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
        messages: messagesOf(messages, schemas, (type, data) => envelopeOf(fill(address, parameters), type, data)),
      },
    ]),
  )
  const stream = {
    address: null,
    title: 'Every stream',
    description: 'Control events: they come on every stream, always with an `event:` line.',
    messages: messagesOf(CONTROL_EVENTS, schemas, (_, data) => data),
  }
  const websocket = {
    address: null,
    title: 'Every WebSocket',
    description: SOCKET_DESCRIPTION,
    messages: { ...socketMessages(SERVER_MESSAGES, schemas), ...socketMessages(CLIENT_MESSAGES, schemas) },
    bindings: { ws: { method: 'GET' } },
  }
  const streams = { ...channels, stream }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'sse-update events',
      version,
      description:
        'GET /events sends these as Server-Sent Events: `event` is the type, `id` the cursor, `data` the payload given here. Follow channels with `?channel=`, up to 64 times; `*` stands for one token and `>` for the rest. Over a WebSocket they are the members of a JSON message: see its channel.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: { ...streams, websocket },
    operations: {
      ...Object.fromEntries(
        Object.keys(streams).map((name) => [
          `follow-${name}`,
          {
            action: 'send',
            channel: { $ref: `#/channels/${name}` },
            summary: 'The server sends these events to clients of /events.',
          },
        ]),
      ),
      'send-websocket': socketOperation('send', 'The server sends these messages.', SERVER_MESSAGES),
      'receive-websocket': socketOperation('receive', 'The client may send these messages.', CLIENT_MESSAGES),
    },
    components: { schemas },
  }
}

const socketOperation = (action: string, summary: string, messages: Readonly<Record<string, SocketMessage>>) => ({
  action,
  channel: { $ref: '#/channels/websocket' },
  summary,
  messages: Object.keys(messages).map((name) => ({ $ref: `#/channels/websocket/messages/${name}` })),
})

const socketMessages = (messages: Readonly<Record<string, SocketMessage>>, schemas: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(messages).map(([name, { summary, payload, examples = [exampleOf(payload)] }]) => [
      name,
      {
        name,
        title: name,
        summary,
        payload: hoist(payload, schemas),
        examples: examples.map((example) => ({ payload: example })),
      },
    ]),
  )

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
