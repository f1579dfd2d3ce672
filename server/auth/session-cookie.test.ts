import { expect, test } from 'bun:test'
import { createSessionId, readSession, sessionCookie } from './session-cookie.ts'

const NAME = 'sse_session'
const newValue = () => `${createSessionId()}.a.b.c`
const read = (cookie: string, isSecure = false) =>
  readSession(new Request('http://localhost/', { headers: { cookie } }), isSecure)

test('a session is read from its cookie, wherever it is among others', () => {
  const value = newValue()
  const session = { id: value.slice(0, 22), token: 'a.b.c' }
  for (const cookie of [`${NAME}=${value}`, `x=1; ${NAME}=${value};y=2`, `${NAME}=junk; ${NAME}=${value}`]) {
    expect(read(cookie), cookie).toEqual(session)
  }
  const [pair = ''] = sessionCookie(session, true, Date.now() + 1000, Date.now()).split(';')
  expect(read(pair, true)).toEqual(session)
})

test('of two different sessions in one request neither counts, and the same one twice does', () => {
  const [one, other] = [newValue(), newValue()]
  expect(read(`${NAME}=${one}; ${NAME}=${other}`)).toBeUndefined()
  expect(read(`${NAME}=${one}; ${NAME}=${one.slice(0, 22)}.a.b.d`)).toBeUndefined()
  expect(read(`${NAME}=${one}; ${NAME}=${one}`)).toBeDefined()
})

test('over TLS only the name counts that no other host can set', () => {
  const value = newValue()
  expect(read(`${NAME}=${value}`, true)).toBeUndefined()
  expect(read(`__Host-${NAME}=${value}`, false)).toBeUndefined()
  expect(
    read(`__Secure-${NAME}=${value}; __host-${NAME}=${value}; __Host-${NAME.toUpperCase()}=${value}`, true),
  ).toBeUndefined()
})
