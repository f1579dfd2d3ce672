import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { type RawResponse, sendRaw } from '../../testing/raw-http.ts'

const ALLOWED = 'https://app.example.com'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { ALLOWED_ORIGINS: ALLOWED, MAX_EVENT_BYTES: '1024' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const event = '{"channel":"a.b","type":"t","data":{"x":[1,2.50,"é"]}}'
const JSON_TYPE = { 'Content-Type': 'application/json' }

function post(path: string, body: string, headers: Record<string, string>): Promise<RawResponse> {
  const { host } = new URL(instance.url)
  const all = { Host: host, Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return sendRaw(instance.url, `POST ${path} HTTP/1.1\n${lines.join('\n')}\n\n${body}`)
}

/** A response without what differs between two equal requests: the time, and the positions with the length of their digits. */
const comparable = ({ text, status }: RawResponse) => {
  const undated = text.replace(/\r\nDate: [^\r]*/i, '')
  return status === 201 ? undated.replace(/(?<=Content-Length: )\d+/i, 'n').replace(/\d+(?=[,\]}])/g, 'n') : undated
}

test.each<[what: string, status: number, body: string, headers?: Record<string, string>, query?: string]>([
  ['an event', 201, event],
  ['a batch', 201, `[${event},${event}]`],
  ['an event under a key', 201, event, { ...JSON_TYPE, 'Idempotency-Key': 'k' }],
  ['another event under that key', 422, event.replace('2.50', '3'), { ...JSON_TYPE, 'Idempotency-Key': 'k' }],
  ['an event of a page', 201, event, { ...JSON_TYPE, 'X-Client-Id': 'page-7' }],
  ['an event of a named user', 201, event, { ...JSON_TYPE, 'X-User': 'alice' }],
  ['text for a channel', 201, 'hello', { 'Content-Type': 'text/plain' }, '?channel=news'],
  ['an event with an empty query', 201, event, JSON_TYPE, '?'],
  ['an unknown parameter', 400, event, JSON_TYPE, '?chanel=news'],
  ['a type without a channel', 400, event, JSON_TYPE, '?type=t'],
  ['no body', 400, ''],
  ['invalid JSON', 400, '{"channel":'],
  ['an unknown member', 400, '{"channel":"a","payload":1}'],
  ['a member of the name __proto__', 400, '{"channel":"a","__proto__":1}'],
  ['an invalid member of a batch', 400, `[${event},{"channel":"a b"}]`],
  ['a channel of the server', 403, '{"channel":"sse.access"}'],
  ['a form', 415, 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }],
  ['data that are too large', 413, `{"channel":"a","data":"${'x'.repeat(2000)}"}`],
  ['an invalid client ID', 400, event, { ...JSON_TYPE, 'X-Client-Id': 'x'.repeat(300) }],
  ['an invalid user', 400, event, { ...JSON_TYPE, 'X-User': 'a.b' }],
  ['a foreign page', 403, event, { ...JSON_TYPE, Origin: 'http://evil.example' }],
  ['an allowed page', 201, event, { ...JSON_TYPE, Origin: ALLOWED }],
  ['an invalid event of an allowed page', 400, '7', { ...JSON_TYPE, Origin: ALLOWED }],
  ['an unknown host', 421, event, { ...JSON_TYPE, Host: 'evil.example' }],
])('the response to %s is that of the documented route, byte by byte', async (...row) => {
  const [, status, body, headers = JSON_TYPE, query = ''] = row
  const direct = await post(`/events${query}`, body, headers)
  // With a last slash, the path is the router's.
  const routed = await post(`/events/${query}`, body, headers)
  expect(direct.status).toBe(status)
  expect(comparable(direct)).toBe(comparable(routed))
})

test.each(['/events/x', '/eventsx', '/Events', '/events%3f'])('%s is not published to', async (path) => {
  expect((await post(path, event, JSON_TYPE)).status).toBe(404)
})
