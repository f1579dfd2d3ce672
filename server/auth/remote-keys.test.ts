import { afterEach, beforeEach, describe, expect, setSystemTime, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import { createRemoteKeys } from './remote-keys.ts'

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const KEYS = { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' }] }
const tokenOf = (kid: string) => new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(pair.privateKey)
const verify = async (keys: JWTVerifyGetKey, kid = 'k1') =>
  jwtVerify(await tokenOf(kid), keys).then(
    () => 'verified',
    () => 'refused',
  )

let respond: () => Response
let requests: number
let now: number
let server: ReturnType<typeof Bun.serve>
let keys: JWTVerifyGetKey
beforeEach(() => {
  requests = 0
  now = Date.now()
  respond = () => Response.json(KEYS)
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch() {
      requests++
      return respond()
    },
  })
  keys = createRemoteKeys(`http://127.0.0.1:${server.port}/keys`, () => now)
})
afterEach(async () => {
  setSystemTime()
  await server.stop(true)
})

describe('while a JWK Set can not be fetched', () => {
  test.each([
    ['an error', () => new Response('no', { status: 500 })],
    ['a redirect', () => Response.redirect('http://127.0.0.1:1/')],
    ['no JSON', () => new Response('<html>')],
    ['no JWK Set', () => Response.json({ keys: 'none' })],
    ['too many bytes', () => new Response(' '.repeat(2 ** 20 + 1))],
  ])('tokens cause one request every five seconds: %s', async (_, response) => {
    respond = response
    for (let n = 0; n < 20; n++) expect(await verify(keys, `k${n}`)).toBe('refused')
    expect(requests).toBe(1)
    now += 4999
    expect([await verify(keys), requests]).toEqual(['refused', 1])
    now += 1
    expect([await verify(keys), requests]).toEqual(['refused', 2])
    expect([await verify(keys), requests]).toEqual(['refused', 2])
  })

  test('tokens of keys that are known are verified, and those of unknown ones cause no further requests', async () => {
    expect(await verify(keys)).toBe('verified')
    respond = () => new Response('no', { status: 500 })
    // After the time in which unknown keys cause no request.
    setSystemTime(Date.now() + 31_000)
    for (let n = 0; n < 20; n++) {
      expect(await verify(keys, `unknown-${n}`)).toBe('refused')
      expect(await verify(keys)).toBe('verified')
    }
    expect(requests).toBe(2)
  })
})

test('after a failure, keys are fetched and verify tokens', async () => {
  const works = respond
  respond = () => new Response('no', { status: 500 })
  expect(await verify(keys)).toBe('refused')
  respond = works
  now += 5000
  expect([await verify(keys), await verify(keys), requests]).toEqual(['verified', 'verified', 2])
})
