// TLS, HTTP/2 and the commands against them, with a private certificate authority.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:tls'
import type { Runtime } from './runtime.ts'
import { createCertificates, type TestCertificates } from './testing/certificates.ts'
import { runCommand } from './testing/command.ts'
import { createDatabase, type TestDatabase } from './testing/database.ts'
import { floodWithResets, openHttp2 } from './testing/http2-client.ts'
import { startInstance, startProcess } from './testing/instance.ts'
import { until } from './testing/until.ts'

let database: TestDatabase
let certificates: TestCertificates
let instance: Runtime & AsyncDisposable
/** With the name that the certificate has, as a client would write it. */
let url: string
beforeAll(async () => {
  ;[database, certificates] = await Promise.all([createDatabase(), createCertificates()])
  instance = await startInstance(database.url, { ...certificates.settings, HEARTBEAT_MS: '200' })
  url = instance.url.replace('127.0.0.1', 'localhost')
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await Promise.all([database, certificates].map((each) => each[Symbol.asyncDispose]()))
})

const ask = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, { ...init, tls: { ca: certificates.ca } })

async function publish(events: readonly object[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await ask('/events', { method: 'POST', headers, body: JSON.stringify(events) })
  expect(response.status).toBe(201)
}

async function curl(...args: string[]): Promise<string> {
  const child = Bun.spawn(['curl', '--silent', '--cacert', certificates.caFile, ...args], { stdout: 'pipe' })
  return new Response(child.stdout).text()
}

/** The numbers of events with `{ n }` in a stream's text, in order. */
const numbersIn = (text: string) => [...text.matchAll(/"data":\{"n":(\d+)\}/g)].map(([, n]) => Number(n))

describe('with TLS', () => {
  test('the URL is https, and curl gets HTTP/2, or HTTP/1.1 where it wants that', async () => {
    expect(instance.url).toStartWith('https://127.0.0.1:')
    const version = (option: string) =>
      curl(option, '--output', '/dev/null', '--write-out', '%{http_version}', `${url}/healthz`)
    expect([await version('--http2'), await version('--http1.1')]).toEqual(['2', '1.1'])
  })

  test('pages of the https origin are own, those of the same host over http are foreign', async () => {
    const statusFor = async (origin: string) => (await ask('/api/orders', { headers: { origin } })).status
    expect([await statusFor(url), await statusFor(url.replace('https', 'http'))]).toEqual([200, 403])
  })

  test('browsers are told to use TLS only, and HTTP/3 is not offered unless it is on', async () => {
    const { headers } = await ask('/healthz')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
    expect(headers.get('alt-svc')).toBeNull()
  })

  test('plain HTTP on the port gets no response', async () => {
    await expect(fetch(`${url.replace('https', 'http')}/healthz`)).rejects.toThrow()
  })
})

describe('an HTTP/2 connection', () => {
  test('carries 100 streams, and each receives every event once, in order', async () => {
    await using client = await openHttp2(url, certificates.ca)
    const streams = Array.from({ length: 100 }, () => client.open('/events?channel=many'))
    await until('all streams are open', () => streams.every(({ text }) => text.includes('event: ready')))
    await publish(Array.from({ length: 50 }, (_, n) => ({ channel: 'many', type: 't', data: { n } })))
    await until('the last event has arrived', () => streams.every(({ text }) => text.includes('{"n":49}')))
    const expected = Array.from({ length: 50 }, (_, n) => n)
    for (const { text } of streams) expect(numbersIn(text)).toEqual(expected)
  }, 60_000)

  test('with 20 streams that do not read delays no other stream of it, and costs no memory for what they have not read', async () => {
    await using own = await startProcess({ DATABASE_URL: database.url, ...certificates.settings })
    await using client = await openHttp2(own.url.replace('http://127.0.0.1', 'https://localhost'), certificates.ca)
    const stalled = Array.from({ length: 20 }, () => client.open('/events?channel=large'))
    const reading = client.open('/events?channel=large')
    await until('all are open', () => [...stalled, reading].every(({ text }) => text.includes('event: ready')))
    for (const stream of stalled) stream.pause()
    const before = await residentMemory(own.pid)
    // 20 MB for each stream, 400 MB in total.
    const pad = 'x'.repeat(50_000)
    for (let n = 0; n < 400; n += 10) {
      await publish(Array.from({ length: 10 }, (_, i) => ({ channel: 'large', type: 't', data: { n: n + i, pad } })))
    }
    await until('the other has read all', () => reading.text.includes('"data":{"n":399,'))
    for (const { text } of stalled) expect(text.length).toBeLessThan(5_000_000)
    expect((await residentMemory(own.pid)) - before).toBeLessThan(200e6)
  }, 90_000)

  test('that resets its requests at once, 10,000 times, is ended, and no stream of it stays', async () => {
    await using client = await openHttp2(url, certificates.ca)
    const stream = client.open('/events?channel=calm')
    await until('it is open', () => stream.text.includes('event: ready'))
    expect(await floodWithResets(url, certificates.ca, '/events?channel=flood', 10_000)).toBe(true)
    await publish([{ channel: 'calm', type: 't', data: { n: 1 } }])
    await until('another connection receives events', () => stream.text.includes('"n":1'))
    const connections = async () =>
      Number(/^sse_update_connections (\d+)/m.exec(await (await ask('/metrics')).text())?.[1])
    await until('only its stream is left', connections, (count) => count === 1)
  }, 60_000)
})

const residentMemory = async (pid: number) =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1])

describe('a renewed certificate', () => {
  /** Common name of the certificate that new connections get. */
  const nameOf = (target: string) =>
    new Promise<string>((resolve, reject) => {
      const { port } = new URL(target)
      const socket = connect(
        { host: '127.0.0.1', port: Number(port), servername: 'localhost', ca: certificates.ca },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        },
      )
      socket.on('error', reject)
    })

  test('is used for new connections, and open streams continue', async () => {
    await using client = await openHttp2(url, certificates.ca)
    const stream = client.open('/events?channel=renewal')
    await until('it is open', () => stream.text.includes('event: ready'))
    expect(await nameOf(url)).toBe('first')
    await certificates.renew('second')
    // A connection at the moment of the change may be refused.
    await until(
      'it is in use',
      () => nameOf(url).catch(() => ''),
      (name) => name === 'second',
    )
    await publish([{ channel: 'renewal', type: 't', data: { n: 1 } }])
    await until('the stream receives', () => numbersIn(stream.text).length > 0)
    expect(numbersIn(stream.text)).toEqual([1])
  }, 60_000)
})

describe('the commands', () => {
  const run = (...args: string[]) =>
    runCommand(args, {
      NODE_EXTRA_CA_CERTS: certificates.caFile,
      PORT: new URL(url).port,
      TLS_CERT_FILE: certificates.settings.TLS_CERT_FILE,
    })

  test('use https by default where TLS is set, and trust the authorities of NODE_EXTRA_CA_CERTS', async () => {
    expect(await run('publish', 'cli', 't', '{"n":1}')).toMatchObject({ code: 0, error: '' })
    const verified = await run('verify', '--connections', '10', '--rate', '20', '--duration', '2')
    expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('The ledger is clean.') })
  }, 60_000)

  test('refuse a server whose authority is unknown', async () => {
    const result = await runCommand(['publish', 'cli', 't', '1', '--url', url])
    expect([result.code, result.error]).toEqual([1, expect.stringMatching(/certificate/)])
  })
})
