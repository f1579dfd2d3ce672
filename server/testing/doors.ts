import type { Sql } from '../platform/database.ts'

/** A request that reads or changes something, in which only the credential is missing. */
export interface Door {
  route: string
  headers?: Record<string, string>
  body?: string
}

const JSON_BODY = { 'content-type': 'application/json' }
const ORDER = { customer: 'alice', currency: 'EUR', lines: [{ sku: 'A1', name: 'Tea', quantity: 2, unitPrice: 450 }] }

/** Ways into the server: a token of the operator `alice` opens each, and nobody else's does. */
export const DOORS: readonly Door[] = [
  { route: 'GET /events?channel=orders.alice.>', headers: { accept: 'text/event-stream' } },
  { route: 'HEAD /events?channel=orders.alice.>', headers: { accept: 'text/event-stream' } },
  { route: 'GET /events?channel=orders.alice.>', headers: { accept: 'application/json' } },
  { route: 'GET /events?before=latest', headers: { accept: 'application/json' } },
  { route: 'POST /events', headers: JSON_BODY, body: JSON.stringify({ channel: 'chat.alice', type: 'said' }) },
  { route: 'GET /api/orders' },
  { route: 'POST /api/orders', headers: JSON_BODY, body: JSON.stringify(ORDER) },
  { route: 'GET /api/tasks' },
  { route: 'POST /api/tasks', headers: JSON_BODY, body: JSON.stringify({ kind: 'demo' }) },
  { route: 'POST /api/notifications', headers: JSON_BODY, body: JSON.stringify({ to: ['alice'], title: 'Hello' }) },
  { route: 'GET /api/cluster' },
  { route: 'GET /metrics' },
  { route: 'GET /session' },
  { route: 'POST /session' },
]

/** What a door answered; a stream is closed after its headers. */
export interface Answer {
  door: string
  /** What brought the token. */
  by: 'bearer' | 'cookie' | 'other'
  status: number
  code: unknown
  challenge: string | null
  setCookie: string | null
  text: string
}

let client = 0

/** An address of its own for each request, behind a proxy: refused streams of one address would be delayed. */
const nextAddress = () => `10.${(++client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`

/** Sends a request. The server needs `TRUSTED_PROXIES: '127.0.0.0/8'`. */
export async function knock(url: string, door: Door, headers: Record<string, string>): Promise<Answer> {
  const [method = '', path] = door.route.split(' ')
  const response = await fetch(url + path, {
    method,
    headers: { 'x-forwarded-for': nextAddress(), ...door.headers, ...headers },
    ...(door.body !== undefined && { body: door.body }),
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  const text = isStream ? '' : await response.text()
  if (isStream) await response.body?.cancel()
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json')
  return {
    door: `${door.route} (${door.headers?.accept ?? 'any'})`,
    by: headers.authorization !== undefined ? 'bearer' : headers.cookie !== undefined ? 'cookie' : 'other',
    status: response.status,
    code: isProblem && text !== '' ? JSON.parse(text).code : undefined,
    challenge: response.headers.get('www-authenticate'),
    setCookie: response.headers.get('set-cookie'),
    text,
  }
}

/** Sends the same headers to all doors. */
export const knockEverywhere = (url: string, headers: Record<string, string>): Promise<Answer[]> =>
  Promise.all(DOORS.map((door) => knock(url, door, headers)))

/** Sends a token as a bearer credential, and as the cookie of a session from a page of the server, to all doors that take it. */
export async function presentToken(url: string, token: string): Promise<Answer[]> {
  const page = { cookie: `sse_session=${'i'.repeat(22)}.${token}`, origin: url, 'sec-fetch-site': 'same-origin' }
  // A session begins with a bearer token alone.
  const withCookie = DOORS.filter(({ route }) => route !== 'POST /session')
  return [
    ...(await knockEverywhere(url, { authorization: `Bearer ${token}` })),
    ...(await Promise.all(withCookie.map((door) => knock(url, door, page)))),
  ]
}

/** Everything that the doors could have changed, as one value. */
export async function storedBy(
  sql: Sql,
): Promise<Record<'log' | 'outbox' | 'orders' | 'tasks' | 'notifications', number>> {
  const rows = await sql<{ stored: Awaited<ReturnType<typeof storedBy>> }[]>`
    select json_build_object('log', (select count(*) from sse.log), 'outbox', (select count(*) from sse.outbox),
      'orders', (select count(*) from sse.orders), 'tasks', (select count(*) from sse.tasks),
      'notifications', (select count(*) from sse.notifications)) as stored`
  return (rows[0] as (typeof rows)[0] & {}).stored
}
