import { expect, test } from 'bun:test'
import { createRedactor, redact, withoutPassword } from './redact.ts'

test.each([
  ['postgres://user:hunter2@host:5432/x', 'postgres://…@host:5432/x'],
  ['postgres://user:hun/te@r2#@host/x failed', 'postgres://…@host/x failed'],
  ['{"url":"http://a:b@h/","x":"y@z"}', '{"url":"http://…@h/","x":"y@z"}'],
  ['GET /events?channel=a&token=hunter2&x=1', 'GET /events?channel=a&token=…&x=1'],
  ['/db?host=/run&password=hunter2', '/db?host=/run&password=…'],
  ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_-', 'Bearer [token]'],
  ['sse_session=abc.eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.; Path=/', 'sse_session=abc.[token]; Path=/'],
  ['the key ssek_0aZ-_x is', 'the key [key] is'],
])('a credential is replaced by its form: %s', (text, expected) => {
  expect(redact(text)).toBe(expected)
})

test.each(['http://127.0.0.1:8080/events?channel=orders.alice.17', 'Zoë wrote to a@b', 'eyes.on.you', 'keys.changed'])(
  'what is no credential stays: %s',
  (text) => {
    expect(redact(text)).toBe(text)
  },
)

test('known secrets are replaced wherever they are, also escaped', () => {
  const redacted = createRedactor(['se"cret & more', 'se"cret & more and longer', 'short'])
  expect(redacted('a se"cret & more b')).toBe('a [secret] b')
  expect(redacted(JSON.stringify({ a: 'se"cret & more and longer' }))).toBe('{"a":"[secret]"}')
  expect(redacted(`?q=${encodeURIComponent('se"cret & more')}`)).toBe('?q=[secret]')
  expect(redacted('short')).toBe('short')
})

test('a URL for a message has no user and no password', () => {
  expect(withoutPassword('https://me:hunter2@host/path')).toBe('https://…@host/path')
})
