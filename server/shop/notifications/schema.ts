import { Type } from '@sinclair/typebox'
import { ChannelToken, Nullable } from '../../protocol/schema.ts'

export const NotificationLevel = Type.Union([
  Type.Literal('info'),
  Type.Literal('success'),
  Type.Literal('warning'),
  Type.Literal('error'),
])

export const NewNotification = Type.Object(
  {
    to: Type.Union(
      [
        Type.Literal('everyone'),
        Type.Array(ChannelToken('a token of the channel notifications.<person>', ['alice']), {
          minItems: 1,
          maxItems: 1000,
        }),
      ],
      { description: '"everyone", or 1 to 1000 people', examples: [['alice', 'bob'], 'everyone'] },
    ),
    title: Type.String({
      pattern: '\\S',
      maxLength: 200,
      description: 'text, not only spaces',
      examples: ['Your order is on its way'],
    }),
    body: Type.Optional(Type.String({ maxLength: 10_000, examples: ['It will be there tomorrow.'] })),
    level: Type.Optional(NotificationLevel),
    link: Type.Optional(
      Type.String({
        maxLength: 2000,
        // No script, and no address that a browser reads as another host's.
        pattern: '^(?:https?://[^\\s\\\\]+|/(?![/\\\\])[^\\s\\\\]*)$',
        description: 'an address to open: https://…, or a path of this server',
        examples: ['/orders/17'],
      }),
    ),
  },
  { additionalProperties: false, title: 'NewNotification' },
)

export const Notification = Type.Object(
  {
    id: Type.Integer({ examples: [5] }),
    sender: Type.String({ examples: ['shop'] }),
    everyone: Type.Boolean({ description: 'whether it was sent to everyone' }),
    title: Type.String({ examples: ['Your order is on its way'] }),
    body: Type.String({ examples: ['It will be there tomorrow.'] }),
    level: NotificationLevel,
    link: Nullable(Type.String({ examples: ['/orders/17'] })),
    createdAt: Type.String({ format: 'date-time' }),
    readAt: Nullable(Type.String({ format: 'date-time', description: 'when this person read it' })),
    version: Type.Integer({ description: '1 when sent, 2 when read', examples: [1] }),
  },
  { title: 'Notification' },
)

export type NotificationLevel = typeof NotificationLevel.static
export type NewNotification = typeof NewNotification.static
export type Notification = typeof Notification.static
