import type { IsSecure } from '../http/client-address.ts'
import { type Config, ConfigError } from '../platform/config.ts'
import { messageOf } from '../platform/errors.ts'
import type { Authorize } from './actor.ts'
import { createAuthenticate } from './authenticate.ts'
import { authorizeAnonymous, createAuthorize } from './authorize.ts'
import { EndedSessions } from './ended-sessions.ts'
import { createIssuer, type Issuer, type IssuerSettings } from './issuer.ts'
import { parseIssuers } from './issuer-list.ts'
import { parseKeys } from './key-list.ts'
import { KeyRing, type StoredKey } from './key-ring.ts'
import { Leases } from './leases.ts'
import { Revocations } from './revocations.ts'
import { createTokenGrants, type TokenGrants } from './token-grants.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'

/** What decides about requests, and what it goes by. */
export interface Access {
  authorize: Authorize
  /** Whether no key is configured, so that every client may do everything. */
  isAnonymous: boolean
  /** What tokens grant; `undefined` where the server accepts none. */
  grantOfToken: TokenGrants | undefined
  /** Whether a request came over TLS, to this server or to a trusted proxy. */
  isSecure: IsSecure
  keys: KeyRing
  revocations: Revocations
  endedSessions: EndedSessions
  /** Of the streams that are open. */
  leases: Leases
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/

/** What the configuration says about access: settings that were read and checked, before there is a database. */
export interface AccessSettings {
  /** `undefined` when no issuer is configured: no token is accepted. */
  verifier: TokenVerifier | undefined
  /** Keys of `PUBLISH_KEYS`. */
  keys: readonly StoredKey[]
}

/** Reads the settings of access control. @throws {ConfigError} for an issuer or a key that can't be used */
export async function readAccessSettings(config: Config): Promise<AccessSettings> {
  const settings = issuerSettings(config)
  const keys = configuredKeys(config)
  if (settings.length === 0) return { verifier: undefined, keys }
  const issuers = await Promise.all(settings.map(([setting, issuer]) => load(setting, issuer)))
  const verifier = createTokenVerifier(issuers, {
    subscribe: config.jwtSubscribeClaim,
    publish: config.jwtPublishClaim,
    role: config.jwtRoleClaim,
  })
  return { verifier, keys }
}

/**
 * Access control by the configuration and the keys in Postgres: with an issuer or a key, every request needs a credential;
 * without any, every client that reaches the server may do everything, and the server must listen on loopback. That is
 * decided once, at the start.
 *
 * @param stored the keys in Postgres that are accepted
 * @param isSecure whether a request came over TLS
 * @throws {ConfigError} for a server without issuers and keys that would be reachable from a network
 */
export function createAccess(
  config: Config,
  settings: AccessSettings,
  stored: readonly StoredKey[],
  isSecure: IsSecure,
): Access {
  const { verifier } = settings
  const keys = new KeyRing(settings.keys)
  keys.set(stored)
  const revocations = new Revocations()
  const endedSessions = new EndedSessions()
  const parts = { keys, revocations, endedSessions, leases: new Leases(), isSecure }
  if (!verifier && keys.size === 0) {
    checkLoopback(config)
    return { ...parts, authorize: authorizeAnonymous, isAnonymous: true, grantOfToken: undefined }
  }
  const grantOfToken = createTokenGrants(verifier, revocations)
  const authenticate = createAuthenticate({ ...parts, grantOfToken })
  return {
    ...parts,
    authorize: createAuthorize(authenticate),
    isAnonymous: false,
    grantOfToken: verifier && grantOfToken,
  }
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
  if (config.jwtIssuer !== undefined) {
    throw new ConfigError(['JWT_ISSUERS names the issuers: remove JWT_ISSUER, or make it the only one of JWT_ISSUERS.'])
  }
  try {
    return parseIssuers(config.jwtIssuers).map((issuer) => [
      'JWT_ISSUERS',
      { ...issuer, audience: issuer.audience ?? config.jwtAudience },
    ])
  } catch (error) {
    throw new ConfigError([`JWT_ISSUERS can't be used: ${messageOf(error)}.`])
  }
}

/** @throws {ConfigError} */
function configuredKeys({ publishKeys }: Config): StoredKey[] {
  try {
    return publishKeys === undefined ? [] : parseKeys(publishKeys)
  } catch (error) {
    throw new ConfigError([`PUBLISH_KEYS can't be used: ${messageOf(error)}.`])
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
    `HOST is ${host}, but there is no key: every client in that network could read and publish everything. ` +
      'Set JWT_SECRET (or JWT_PUBLIC_KEY, JWKS_URL, PUBLISH_KEYS) or create a key (sse-update key create), or set ALLOW_ANONYMOUS=yes when something in front of the server controls access.',
  ])
}
