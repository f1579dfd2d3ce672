import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreamSocket } from './stream-socket.ts'

const RESPONSE = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: ready\ndata: {}\nid: 1\n\n'

test('a request that the socket takes only in parts arrives as a whole', async () => {
  // More than the buffers of a connection hold, and the server reads only after the first write: they share an event loop.
  const padding = 'x'.repeat(20_000_000)
  const received: Uint8Array[] = []
  using server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, bytes) {
        received.push(bytes)
        if (bytes.toString().endsWith('\r\n\r\n')) socket.write(RESPONSE)
      },
    },
  })
  const ready = Promise.withResolvers<string>()
  const socket = new StreamSocket({
    url: `http://127.0.0.1:${server.port}/events?channel=a`,
    headers: () => ({ 'x-padding': padding }),
    onFrame: ({ event }) => ready.resolve(event),
    onClose: (problem) => ready.reject(new Error(problem)),
  })
  expect(await ready.promise).toBe('ready')
  socket.close()
  const [head = '', ...rest] = Buffer.concat(received).toString().split('\r\nx-padding: ')
  expect(head).toBe(`GET /events?channel=a HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\naccept: text/event-stream`)
  expect(rest.join('') === `${padding}\r\n\r\n`).toBeTrue()
})

describe('over TLS', () => {
  let folder: string
  let server: Bun.Server<undefined>
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stream-socket-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const args = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost']
    await Bun.$`openssl req -x509 ${args}`.quiet()
    server = Bun.serve({
      port: 0,
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch: () => new Response('event: ready\ndata: {}\nid: 1\n\n'),
    })
  })
  afterAll(async () => {
    await server.stop(true)
    rmSync(folder, { recursive: true })
  })

  /** What a stream socket in a process of its own ends with: which certificates are trusted is settled at the start. */
  const outcome = async (env: Record<string, string>) => {
    const script = `
      const { StreamSocket } = await import('./server/verification/stream-socket.ts')
      const done = Promise.withResolvers()
      const timer = setTimeout(() => done.resolve('nothing'), 20_000)
      const url = 'https://localhost:${server.port}/events'
      const socket = new StreamSocket({ url, onFrame: ({ event }) => done.resolve(event), onClose: done.resolve })
      console.log(await done.promise)
      clearTimeout(timer)
      socket.close()`
    return (await Bun.$`${process.execPath} -e ${script}`.env({ ...process.env, ...env }).text()).trim()
  }

  test('a stream opens where the certificate is trusted', async () => {
    expect(await outcome({ NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') })).toBe('ready')
  })

  test('a certificate that is not trusted is named as the reason', async () => {
    expect(await outcome({})).toBe('self signed certificate')
  })
})
