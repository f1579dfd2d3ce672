import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { sendRaw } from '../../testing/raw-http.ts'

/** One path of each kind: API, stream, documents, metrics, health, a page, a file, an unknown path. */
const PATHS = [
  '/api/orders',
  '/api/cluster',
  '/events?channel=a',
  '/openapi.json',
  '/metrics',
  '/healthz',
  '/readyz',
  '/',
  '/assets/none.js',
  '/none',
]

let database: TestDatabase
const instances: (Runtime & AsyncDisposable)[] = []

beforeAll(async () => {
  database = await createDatabase()
})
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance[Symbol.asyncDispose]()))
  await database[Symbol.asyncDispose]()
})

async function start(settings: Record<string, string> = {}): Promise<string> {
  const instance = await startInstance(database.url, settings)
  instances.push(instance)
  return `http://127.0.0.1:${new URL(instance.url).port}`
}

/** Status and code of a request with this `Host`. */
async function ask(url: string, host: string, path = '/healthz', method = 'GET') {
  const { status, body } = await sendRaw(
    url,
    `${method} ${path} HTTP/1.1\nHost: ${host}\nAccept: application/json\nConnection: close\n\n`,
  )
  const code = /"code":"([^"]+)"/.exec(body)?.[1]
  return code === undefined ? status : `${status} ${code}`
}

describe('DNS rebinding', () => {
  let url: string
  beforeAll(async () => {
    url = await start()
  })

  test('a page whose host name was rebound to 127.0.0.1 gets 421 on every path, with every method', async () => {
    for (const path of PATHS) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        expect(await ask(url, 'evil.example:8080', path, method), `${method} ${path}`).toBe('421 host.unknown')
      }
    }
  })

  test('a rebound page cannot publish', async () => {
    const body = '{"channel":"rebound","type":"t"}'
    const response = await sendRaw(
      url,
      `POST /events HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\nContent-Type: application/json\nContent-Length: ${body.length}\nConnection: close\n\n${body}`,
    )
    expect(response.status).toBe(421)
    expect(await database.sql`select from sse.log where channel = 'rebound'`).toHaveLength(0)
  })

  test('names that only look like localhost are refused', async () => {
    for (const host of [
      'localhost.evil.example',
      'evillocalhost',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      '192.168.1.1',
    ]) {
      expect(await ask(url, host), host).toBe('421 host.unknown')
    }
  })

  test('loopback names and addresses are served, in any spelling and with any port', async () => {
    for (const host of [
      'localhost',
      'LocalHost:1',
      'localhost.',
      's7.localhost:8080',
      '127.0.0.1',
      '127.8.8.8',
      '[::1]:80',
    ]) {
      expect(await ask(url, host), host).toBe(200)
    }
  })

  test('the host of an absolute request target does not replace the Host header', async () => {
    expect(await ask(url, 'evil.example', 'http://localhost/healthz')).toBe('421 host.unknown')
    expect(await ask(url, 'localhost', 'http://evil.example/healthz')).toBe(200)
  })

  test('an HTTP/1.0 health check without a Host header is served', async () => {
    expect((await sendRaw(url, 'GET /healthz HTTP/1.0\n\n')).status).toBe(200)
  })

  test('the error names the setting to change', async () => {
    const { body } = await sendRaw(url, 'GET / HTTP/1.1\nHost: app.example\nConnection: close\n\n')
    expect(JSON.parse(body).detail).toContain('ALLOWED_HOSTS')
  })
})

describe('settings', () => {
  test('ALLOWED_HOSTS adds names and subdomains, and no others', async () => {
    const url = await start({ ALLOWED_HOSTS: 'App.Example, *.shop.example' })
    for (const host of ['app.example', 'app.example:8080', 'a.shop.example', 'localhost']) {
      expect(await ask(url, host), host).toBe(200)
    }
    for (const host of ['shop.example', 'evilshop.example', 'app.example.evil.example', '10.0.0.1']) {
      expect(await ask(url, host), host).toBe('421 host.unknown')
    }
  })

  test('ALLOWED_HOSTS=* serves every well-formed name', async () => {
    const url = await start({ ALLOWED_HOSTS: '*' })
    expect(await ask(url, 'anything.example')).toBe(200)
    expect(await ask(url, 'two words')).toBe('400 host.invalid')
  })

  test('a server on all addresses serves every IP address, which cannot be rebound, and refuses names', async () => {
    const url = await start({ HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'yes' })
    for (const host of ['10.0.0.1:8080', '[fd00::1]:8080', 'localhost:8081', '127.0.0.1']) {
      expect(await ask(url, host), host).toBe(200)
    }
    expect(await ask(url, 'evil.example')).toBe('421 host.unknown')
  })
})

describe('malformed Host headers', () => {
  test('two Host headers are 400, even when both are valid', async () => {
    const url = await start()
    for (const second of ['localhost', 'evil.example']) {
      const { status, body } = await sendRaw(
        url,
        `GET /healthz HTTP/1.1\nHost: localhost\nHost: ${second}\nConnection: close\n\n`,
      )
      expect([status, JSON.parse(body).code]).toEqual([400, 'host.invalid'])
    }
  })

  test('a missing or malformed Host header in HTTP/1.1 is 400', async () => {
    const url = await start()
    expect((await sendRaw(url, 'GET /healthz HTTP/1.1\nConnection: close\n\n')).status).toBe(400)
    for (const host of ['', 'a b', 'localhost@evil.example', 'localhost/x', 'localhost, evil.example', 'localhost:x']) {
      expect(await ask(url, host), host).toBe('400 host.invalid')
    }
  })
})
