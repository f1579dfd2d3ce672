import { expect, test } from 'bun:test'
import { readEvents } from './event-reader.ts'

/** Reads from a server that gives this response, until the connection is lost. Returns why. */
async function problemWith(respond: () => Response): Promise<string> {
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: respond })
  const lost = Promise.withResolvers<string>()
  const stopping = new AbortController()
  const events = readEvents({
    url: `http://127.0.0.1:${server.port}`,
    channels: ['a'],
    signal: stopping.signal,
    onLost: lost.resolve,
  })
  const end = events.next().catch((error) => lost.resolve(`${error.name}: ${error.message}`))
  const problem = await lost.promise
  stopping.abort()
  await end
  return problem
}

test.each(['text/html', 'text/event-streams', undefined])('a response of type %p counts as a failure', async (type) => {
  const respond = () => new Response(new TextEncoder().encode('x'), { headers: type ? { 'content-type': type } : {} })
  expect(await problemWith(respond)).toContain('not an event stream')
})

test.each(['text/event-stream', 'Text/Event-Stream; charset=utf-8'])('a response of type %p is read', async (type) => {
  const respond = () => new Response('', { headers: { 'content-type': type } })
  expect(await problemWith(respond)).toBe('the server closed the stream')
})

test.each(['null', '', '"no"'])('a 404 with the body %p refuses the request for good', async (body) => {
  expect(await problemWith(() => new Response(body, { status: 404 }))).toStartWith('CommandError: ')
})
