import { type Static, Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { detail } from '../http/describe-route.ts'
import { otherMethods } from '../http/problem.ts'
import { AppError } from '../platform/errors.ts'
import { Nullable, Time } from '../protocol/schema.ts'
import type { Authorize } from './actor.ts'
import type { Grant } from './grant.ts'
import type { Sessions } from './sessions.ts'

/** What `/session` needs. */
export interface SessionRoutesOptions {
  authorize: Authorize
  /** `undefined` where the server accepts no tokens. */
  sessions: Sessions | undefined
}

const patterns = (description: string, example: string) =>
  Type.Array(Type.String(), { description, examples: [[example]] })

/** What the sender of a request may do. */
const SessionView = Type.Object(
  {
    subject: Nullable(
      Type.String({
        description: 'sub of the token, or name of the key; null where the server has neither',
        examples: ['alice'],
      }),
    ),
    role: Type.Union([Type.Literal('user'), Type.Literal('operator')]),
    subscribe: patterns('patterns of the channels that may be read', 'orders.alice.>'),
    publish: patterns('patterns of the channels that may be published to', 'chat.alice.>'),
    expiresAt: Nullable(Time('when the token expires; null when nothing does')),
  },
  { title: 'Session' },
)

const NO_STORE = { 'cache-control': 'no-store' }

/** `/session`: a cookie for browsers, whose EventSource can't send a token. */
export const sessionRoutes = ({ authorize, sessions }: SessionRoutesOptions) =>
  new Elysia({ name: 'session', tags: ['session'] })
    .get(
      '/session',
      async ({ request, set }) => {
        const { grant } = await authorize(request)
        Object.assign(set.headers, NO_STORE)
        return viewOf(grant)
      },
      {
        response: SessionView,
        detail: detail({
          summary: 'Who sends the request, what it may do, and until when',
          errors: ['request.too_fast'],
        }),
      },
    )
    .post(
      '/session',
      async ({ request, set }) => {
        if (!sessions) throw unavailable()
        const { grant, cookie } = await sessions.begin(request)
        Object.assign(set.headers, NO_STORE, { 'set-cookie': cookie })
        return viewOf(grant)
      },
      {
        parse: 'none',
        response: SessionView,
        detail: detail({
          summary: 'Begin a session with a token, or renew it',
          description:
            'Sets a cookie (HttpOnly, SameSite=Strict) with which browsers send the token. With the cookie of a session of the same subject, the session continues: its open streams have the new grant at once, on all instances, and need not reconnect. A stream whose channels the new grant does not cover ends.',
          errors: ['session.unavailable', 'session.insecure', 'session.key', 'session.too_large', 'request.too_fast'],
          responseHeaders: ['Set-Cookie'],
        }),
      },
    )
    .delete(
      '/session',
      async ({ request }) => {
        const cookie = await sessions?.end(request)
        return new Response(null, { status: 204, headers: { ...NO_STORE, ...(cookie && { 'set-cookie': cookie }) } })
      },
      {
        parse: 'none',
        detail: detail({
          summary: 'End the session',
          description:
            'Clears the cookie, and ends the streams of the session on all instances. The token stays valid.',
          errors: ['database.unavailable', 'database.unknown', 'publish.unknown', 'request.too_fast'],
          responseHeaders: ['Set-Cookie'],
          operation: { responses: { 204: { description: 'There is no session any more.' } } },
        }),
      },
    )
    .use(otherMethods({ '/session': 'GET, POST, DELETE' }))

const viewOf = ({ subject, role, subscribe, publish, expiresAt }: Grant): Static<typeof SessionView> => ({
  subject,
  role,
  subscribe: [...subscribe],
  publish: [...publish],
  expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
})

const unavailable = () =>
  new AppError(
    'session.unavailable',
    'This server accepts no tokens, with which sessions begin. Set JWT_SECRET (or JWT_PUBLIC_KEY, JWKS_URL). Without these and without keys, every client may do everything, and needs no session.',
  )
