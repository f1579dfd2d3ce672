import { expect, test } from 'bun:test'
import type { App } from './app.ts'
import { HttpServer, ListenError } from './http-server.ts'
import { createLogger } from './platform/logger.ts'
import { SILENT } from './telemetry/telemetry.ts'

test('a failure to listen is distinguished from one of Postgres with the same code', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
  const app = {
    listen() {
      throw cause
    },
  } as unknown as App
  const server = new HttpServer(app, {
    config: { host: 'nohost.invalid', port: 1, http3: 'off' },
    isShared: false,
    certificate: undefined,
    telemetry: SILENT,
    logger: createLogger({ logLevel: 'silent', logFormat: 'json' }),
  })
  const failure = (() => {
    try {
      server.start()
    } catch (error) {
      return error
    }
  })()
  expect(failure).toBeInstanceOf(ListenError)
  expect(failure).toMatchObject({ code: 'ENOTFOUND', cause })
})
