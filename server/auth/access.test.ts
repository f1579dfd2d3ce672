import { describe, expect, test } from 'bun:test'
import { loadConfig } from '../platform/config.ts'
import { TOKEN_SECRET, tokenOf } from '../testing/tokens.ts'
import { readAccessSettings } from './access.ts'

const settingsOf = (environment: Record<string, string>) => readAccessSettings(loadConfig(environment))

describe('JWT_ISSUERS', () => {
  const JWT_ISSUERS = JSON.stringify([
    { issuer: 'https://one.example', secret: TOKEN_SECRET },
    { issuer: 'https://two.example', secret: TOKEN_SECRET, audience: 'two' },
  ])
  const verifierOf = async () => (await settingsOf({ JWT_ISSUERS, JWT_AUDIENCE: 'common' })).verifier
  const token = (iss: string, aud?: string) => tokenOf({ sub: 'alice', iss, ...(aud !== undefined && { aud }) })

  test.each([
    ['https://one.example', 'common'],
    ['https://two.example', 'two'],
  ])('accepts tokens of %s for its own audience, or else for JWT_AUDIENCE', async (issuer, audience) => {
    const verifier = await verifierOf()
    expect(await verifier?.verify(await token(issuer, audience))).toMatchObject({ subject: 'alice' })
  })

  test.each([
    ['https://one.example', undefined],
    ['https://one.example', 'two'],
    ['https://two.example', 'common'],
  ])('refuses a token of %s for audience %s', async (issuer, audience) => {
    const verifier = await verifierOf()
    await expect(verifier?.verify(await token(issuer, audience))).rejects.toMatchObject({ code: 'token.invalid' })
  })

  test('is refused together with JWT_ISSUER, which would have no effect', async () => {
    await expect(settingsOf({ JWT_ISSUERS, JWT_ISSUER: 'https://one.example' })).rejects.toThrow('remove JWT_ISSUER')
  })
})
