// Addresses that would become a header, an element of a page, or the path of another file.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { ask } from '../../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { sendRaw } from '../../testing/raw-http.ts'
import { bearer, type TestClaims, TOKEN_SECRET } from '../../testing/tokens.ts'

const MALLORY: TestClaims = { sub: 'mallory' }

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, WORKER_CONCURRENCY: '0' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const asMallory = (route: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(instance.url, route, { as: MALLORY, headers, ...(body !== undefined && { body }) })

describe('an address', () => {
  const authorization = async () => (await bearer(MALLORY)).authorization

  test('with line breaks adds no header to the response', async () => {
    const split = '%0d%0aset-cookie:%20sse_session=forged%0d%0ax-injected:%201%0d%0a%0d%0a<script>'
    for (const path of [
      `/${split}`,
      `/api/tasks/1/files/${split}`,
      `/api/orders/${split}`,
      `/events?channel=${split}`,
      `/events?${split}=1`,
      `/events?clientId=${split}`,
      `/api/orders?customer=${split}`,
    ]) {
      const { status, headers, text } = await asMallory(`GET ${path}`)
      expect([path, status >= 400]).toEqual([path, true])
      expect([headers.get('x-injected'), headers.getSetCookie()]).toEqual([null, []])
      expect(text).not.toContain('\nx-injected')
    }
  })

  test('is not reflected as HTML: errors are JSON that is not sniffed, or a page without the text', async () => {
    const script = '<script>alert(1)</script>'
    const part = encodeURIComponent(script)
    for (const path of [
      `/${part}`,
      `/${script}`,
      `/orders/${part}`,
      `/api/${part}`,
      `/api/orders/${part}`,
      `/events?channel=${part}%20`,
      `/assets/${part}`,
    ]) {
      for (const accept of ['text/html', 'text/html,application/json;q=0.1', '*/*']) {
        const { status, headers, text } = await asMallory(`GET ${path}`, undefined, { accept })
        expect([path, status >= 400, headers.get('x-content-type-options')]).toEqual([path, true, 'nosniff'])
        if (!headers.get('content-type')?.startsWith('application/problem+json')) expect(text).not.toContain(script)
      }
    }
  })

  test('of a file or an asset leads to no other file of the machine', async () => {
    const { body: task } = await asMallory('POST /api/tasks', { kind: 'demo' })
    const ups = [
      '..',
      '%2e%2e',
      '..%2f..',
      '%2e%2e%2f%2e%2e',
      '..%5c..',
      '..\\..',
      '....//..',
      '..%c0%af..',
      '..%252f..',
      '.%00.',
      '%00',
    ]
    for (const base of [`/api/tasks/${task.id}/files`, '/assets', '/assets/x', '']) {
      for (const up of ups) {
        for (const target of [
          'etc/passwd',
          'package.json',
          'etc%2fpasswd',
          'C:%5cwindows%5cwin.ini',
          'migrations/0001_event_log.sql',
        ]) {
          for (const path of [
            `${base}/${up}/${target}`,
            `${base}/${up}/${up}/${up}/${up}/${up}/${target}`,
            `${base}//${target}`,
            `${base}/${target}%00.js`,
          ]) {
            const { status, body } = await sendRaw(
              instance.url,
              `GET ${path} HTTP/1.1\nHost: localhost\nAuthorization: ${await authorization()}\nConnection: close\n\n`,
            )
            expect([path, status >= 400 && status < 500]).toEqual([path, true])
            expect(body, path).not.toMatch(/root:.*:0:0:|"dependencies"|create table/i)
          }
        }
      }
    }
  })
})

test('the name of an import with a path or markup stays a text', async () => {
  const as: TestClaims = { sub: 'olga', role: 'operator' }
  const body = 'customer,currency,sku,name,quantity,unit_price\nbob,EUR,A1,Tea,2,450\n'
  for (const name of [
    '../../etc/passwd',
    '..\\x',
    '"; filename="x.exe',
    '<img src=x onerror=alert(1)>',
    "'; drop table sse.files; --",
  ]) {
    const route = `POST /api/orders/import?name=${encodeURIComponent(name)}`
    const {
      status,
      body: task,
      headers,
    } = await ask(instance.url, route, { as, body, headers: { 'content-type': 'text/csv' } })
    expect([name, status, JSON.stringify(task.input).includes(JSON.stringify(name).slice(1, -1))]).toEqual([
      name,
      202,
      true,
    ])
    expect(headers.get('location')).toBe(`/api/tasks/${task.id}`)
    // The upload is no result: it can be downloaded under no name.
    for (const file of [name, 'orders.csv', task.input.file]) {
      const { status: found } = await ask(instance.url, `GET /api/tasks/${task.id}/files/${encodeURIComponent(file)}`, {
        as,
      })
      expect([file, found >= 400]).toEqual([file, true])
    }
  }
})
