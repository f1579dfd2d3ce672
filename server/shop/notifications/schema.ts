import { Type } from '@sinclair/typebox'
import { t } from 'elysia'
import { ChannelToken, Nullable } from '../../protocol/schema.ts'

export const NotificationLevel = Type.Union([
  Type.Literal('info'),
  Type.Literal('success'),
  Type.Literal('warning'),
  Type.Literal('error'),
])

export const NewNotification = t.Object(
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
    title: t.String({
      pattern: '\\S',
      maxLength: 200,
      description: 'text, not only spaces',
      examples: ['Your order is on its way'],
    }),
    body: t.Optional(t.String({ maxLength: 10_000, examples: ['It will be there tomorrow.'] })),
    level: t.Optional(NotificationLevel),
    link: t.Optional(
      t.String({
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

export const Notification = t.Object(
  {
    id: Type.Integer({ examples: [5] }),
    sender: t.String({ examples: ['shop'] }),
    everyone: Type.Boolean({ description: 'whether it was sent to everyone' }),
    title: t.String({ examples: ['Your order is on its way'] }),
    body: t.String({ examples: ['It will be there tomorrow.'] }),
    level: NotificationLevel,
    link: Nullable(t.String({ examples: ['/orders/17'] })),
    createdAt: t.String({ format: 'date-time' }),
    readAt: Nullable(t.String({ format: 'date-time', description: 'when this person read it' })),
    version: Type.Integer({ description: '1 when sent, 2 when read', examples: [1] }),
  },
  { title: 'Notification' },
)

export type NotificationLevel = typeof NotificationLevel.static
export type NewNotification = typeof NewNotification.static
export type Notification = typeof Notification.static
