import { Type } from '@sinclair/typebox'
import { ChannelToken, Nullable } from '../../protocol/schema.ts'

/** How important a notification is; `info` by default. */
export const NotificationLevel = Type.Union([
  Type.Literal('info'),
  Type.Literal('success'),
  Type.Literal('warning'),
  Type.Literal('error'),
])

/** The body of `POST /api/notifications`. */
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
      { description: '"everyone", or 1 to 1000 names', examples: [['alice', 'bob'], 'everyone'] },
    ),
    title: Type.String({
      pattern: '\\S',
      maxLength: 200,
      description: 'text that is not blank',
      examples: ['Your order is on its way'],
    }),
    body: Type.Optional(Type.String({ maxLength: 10_000, examples: ['It will be there tomorrow.'] })),
    level: Type.Optional(NotificationLevel),
    link: Type.Optional(
      Type.String({
        maxLength: 2000,
        // No scripts, and no path that a browser resolves to another host.
        pattern: '^(?:https?://[^\\s\\\\]+|/(?![/\\\\])[^\\s\\\\]*)$',
        description: 'an address to open: https://…, or a path on this server',
        examples: ['/orders/17'],
      }),
    ),
  },
  { additionalProperties: false, title: 'NewNotification' },
)

/** A notification as its recipient sees it. */
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
    readAt: Nullable(Type.String({ format: 'date-time', description: 'when this recipient has read it' })),
    version: Type.Integer({ description: '1 when sent, 2 when read', examples: [1] }),
  },
  { title: 'Notification' },
)

/** The type of {@link NotificationLevel}. */
export type NotificationLevel = typeof NotificationLevel.static
/** The type of {@link NewNotification}. */
export type NewNotification = typeof NewNotification.static
/** The type of {@link Notification}. */
export type Notification = typeof Notification.static
