import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { LoggedEvent, NewEvent } from '../protocol/event.ts'
import { Nullable } from '../protocol/schema.ts'
import type { Grant } from './grant.ts'

/** Channel of the events by which instances share what changes the rights of open streams. Only the server publishes to it. */
export const ACCESS_CHANNEL = 'sse.access'

/** SHA-256 in base64url, see `hashSession`. */
const SessionHash = Type.String({ pattern: '^[\\w-]{43}$' })

const GrantData = Type.Object({
  subject: Nullable(Type.String()),
  user: Type.String(),
  subscribe: Type.Array(Type.String()),
  publish: Type.Array(Type.String()),
  role: Type.Union([Type.Literal('user'), Type.Literal('operator')]),
  tokenId: Nullable(Type.String()),
  issuedAt: Nullable(Type.Number()),
  expiresAt: Nullable(Type.Number()),
})

const SessionRenewed = Type.Object({ session: SessionHash, grant: GrantData })

const SessionEnded = Type.Object({
  session: SessionHash,
  /** Milliseconds since the Unix epoch: until then its token would be accepted. */
  expiresAt: Nullable(Type.Number()),
})

/** The schemas of the events' data, by type. Events that only say that a table has changed have none. */
const SCHEMAS = {
  'session.renewed': SessionRenewed,
  'session.ended': SessionEnded,
  'revocations.changed': Type.Null(),
  'keys.changed': Type.Null(),
} as const satisfies Record<string, TSchema>

type Schemas = typeof SCHEMAS

/** An event of the channel, with its data. */
export type AccessEvent = { [T in keyof Schemas]: { type: T; data: Static<Schemas[T]> } }[keyof Schemas]

const validators = new Map(
  Object.entries(SCHEMAS).map(([type, schema]) => [type, TypeCompiler.Compile(schema as TSchema)]),
)

/** The streams of a session get a new grant. @param session its `hashSession` */
export const sessionRenewed = (session: string, grant: Grant): NewEvent =>
  toEvent({
    type: 'session.renewed',
    data: { session, grant: { ...grant, subscribe: [...grant.subscribe], publish: [...grant.publish] } },
  })

/** The streams of a session end. @param session its `hashSession` */
export const sessionEnded = (session: string, expiresAt: number | null): NewEvent =>
  toEvent({ type: 'session.ended', data: { session, expiresAt } })

const toEvent = ({ type, data }: AccessEvent): NewEvent => ({
  channel: ACCESS_CHANNEL,
  type,
  data: JSON.stringify(data),
  origin: null,
  key: null,
})

/** What an event of the channel says; `undefined` for one of another type or form, which a later version may publish. */
export function readAccessEvent({ type, data }: Pick<LoggedEvent, 'type' | 'data'>): AccessEvent | undefined {
  const validator = validators.get(type)
  if (!validator) return undefined
  const value: unknown = JSON.parse(data)
  return validator.Check(value) ? ({ type, data: value } as AccessEvent) : undefined
}
