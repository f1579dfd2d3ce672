import { isSecure } from '../http/origin.ts'
import { type Config, ConfigError } from '../platform/config.ts'
import { messageOf } from '../platform/errors.ts'
import type { Authorize } from './actor.ts'
import { createAuthenticate } from './authenticate.ts'
import { authorizeAnonymous, createAuthorize } from './authorize.ts'
import { EndedSessions } from './ended-sessions.ts'
import { createIssuer, type Issuer, type IssuerSettings } from './issuer.ts'
import { parseIssuers } from './issuer-list.ts'
import { KeyRing } from './key-ring.ts'
import { Leases } from './leases.ts'
import { Revocations } from './revocations.ts'
import { createTokenGrants, type TokenGrants } from './token-grants.ts'
import { createTokenVerifier } from './token-verifier.ts'

/** What decides about requests, and what it goes by. */
export interface Access {
  authorize: Authorize
  /** Whether no key is configured, so that every client may do everything. */
  isAnonymous: boolean
  /** What tokens grant; `undefined` where the server accepts none. */
  grantOfToken: TokenGrants | undefined
  /** Whether a request came over TLS, to this server or to a trusted proxy. */
  isSecure: (request: Request) => boolean
  keys: KeyRing
  revocations: Revocations
  endedSessions: EndedSessions
  /** Of the streams that are open. */
  leases: Leases
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/

/**
 * Access control by the configuration: with a key every request needs a credential; without one, every client that reaches the
 * server may do everything, and the server must listen on loopback.
 *
 * @throws {ConfigError} for a key that can't be used, and for a server without keys that would be reachable from a network
 */
export async function createAccess(config: Config): Promise<Access> {
  const settings = issuerSettings(config)
  const keys = new KeyRing()
  const revocations = new Revocations()
  const endedSessions = new EndedSessions()
  const parts = { keys, revocations, endedSessions, leases: new Leases(), isSecure }
  if (settings.length === 0) {
    checkLoopback(config)
    return { ...parts, authorize: authorizeAnonymous, isAnonymous: true, grantOfToken: undefined }
  }
  const issuers = await Promise.all(settings.map(([setting, issuer]) => load(setting, issuer)))
  const verifier = createTokenVerifier(issuers, {
    subscribe: config.jwtSubscribeClaim,
    publish: config.jwtPublishClaim,
    role: config.jwtRoleClaim,
  })
  const grantOfToken = createTokenGrants(verifier, revocations)
  const authenticate = createAuthenticate({ ...parts, grantOfToken })
  return { ...parts, authorize: createAuthorize(authenticate), isAnonymous: false, grantOfToken }
}

/** Issuers with the setting that names them. @throws {ConfigError} */
function issuerSettings(config: Config): [setting: string, issuer: IssuerSettings][] {
  const common = { issuer: config.jwtIssuer, audience: config.jwtAudience }
  const single: [string, IssuerSettings, unknown][] = [
    ['JWT_SECRET', { ...common, secret: config.jwtSecret }, config.jwtSecret],
    ['JWT_PUBLIC_KEY', { ...common, publicKey: config.jwtPublicKey }, config.jwtPublicKey],
    ['JWKS_URL', { ...common, jwksUrl: config.jwksUrl }, config.jwksUrl],
  ]
  const given = single.filter(([, , value]) => value !== undefined)
  if (given.length + Number(config.jwtIssuers !== undefined) > 1) {
    throw new ConfigError(['Set one of JWT_SECRET, JWT_PUBLIC_KEY and JWKS_URL; JWT_ISSUERS takes several issuers.'])
  }
  if (config.jwtIssuers === undefined) return given.map(([setting, issuer]) => [setting, issuer])
  try {
    return parseIssuers(config.jwtIssuers).map((issuer) => ['JWT_ISSUERS', issuer])
  } catch (error) {
    throw new ConfigError([`JWT_ISSUERS can't be used: ${messageOf(error)}.`])
  }
}

async function load(setting: string, issuer: IssuerSettings): Promise<Issuer> {
  try {
    return await createIssuer(issuer)
  } catch (error) {
    throw new ConfigError([`${setting} can't be used: ${messageOf(error)}.`])
  }
}

/** @throws {ConfigError} */
function checkLoopback({ host, allowAnonymous }: Config): void {
  if (allowAnonymous === 'yes' || LOOPBACK.test(host)) return
  throw new ConfigError([
    `HOST is ${host}, but there is no key: everybody in that network could read and publish everything. ` +
      'Set JWT_SECRET (or JWT_PUBLIC_KEY, JWKS_URL), or ALLOW_ANONYMOUS=yes when something in front of the server controls access.',
  ])
}
