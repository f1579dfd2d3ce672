import { expect, test } from 'bun:test'
import { loadConfig } from '../platform/config.ts'
import { createIssuer } from './issuer.ts'
import { type MintSettings, mintToken, type TokenRequest } from './token-minter.ts'
import { createTokenVerifier } from './token-verifier.ts'

const SECRET = 'a secret of more than thirty-two bytes'
const settings = (env: Record<string, string> = {}): MintSettings => ({ ...loadConfig(env), jwtSecret: SECRET })
const request = (more: Partial<TokenRequest> = {}): TokenRequest => ({ subject: 'alice', lifetime: 60_000, ...more })

test('a server with the same settings accepts a minted token, with its own names of claims', async () => {
  const env = {
    JWT_ISSUER: 'dev',
    JWT_AUDIENCE: 'sse',
    JWT_SUBSCRIBE_CLAIM: 'https://x/read',
    JWT_ROLE_CLAIM: 'https://x/role',
  }
  const token = await mintToken(
    settings(env),
    request({ subscribe: ['orders.{sub}.>'], role: 'operator', tokenId: 't1' }),
  )
  const issuer = await createIssuer({ secret: SECRET, issuer: 'dev', audience: 'sse' })
  const names = { subscribe: 'https://x/read', publish: 'publish', role: 'https://x/role' }
  const grant = await createTokenVerifier([issuer], names).verify(token)
  expect(grant).toMatchObject({ subject: 'alice', subscribe: ['orders.alice.>'], role: 'operator', tokenId: 't1' })
  expect((grant.expiresAt ?? 0) - (grant.issuedAt ?? 0)).toBe(60_000)
})

test('what no server would accept is not minted', async () => {
  for (const wrong of [{ subject: '' }, { subscribe: ['a..b'] }, { publish: ['x{sub}'] }]) {
    await expect(mintToken(settings(), request(wrong))).rejects.toMatchObject({ code: 'token.invalid' })
  }
  await expect(mintToken({ ...settings(), jwtSecret: 'short' }, request())).rejects.toThrow('at least 32')
})
