import { choice, secret, text } from './setting.ts'

/** Who may do what: keys, and the issuers of tokens. */
export const accessSettings = {
  allowAnonymous: choice('ALLOW_ANONYMOUS', {
    of: ['no', 'yes'],
    fallback: 'no',
    doc: 'Without any key (JWT_SECRET, JWT_PUBLIC_KEY, JWKS_URL, JWT_ISSUERS, PUBLISH_KEYS, sse-update key create), every client may do everything. The server then listens on loopback only, unless this is yes.',
  }),
  jwtSecret: secret('JWT_SECRET', {
    doc: 'Shared secret of at least 32 bytes that tokens are signed with (HS256).',
  }),
  jwtPublicKey: text('JWT_PUBLIC_KEY', {
    fallback: undefined,
    doc: 'Public key that verifies tokens: PEM, a JWK, or the path of a file with one. RSA, EC or Ed25519.',
  }),
  jwksUrl: text('JWKS_URL', {
    fallback: undefined,
    doc: 'URL of the JWK Set of the identity provider (https).',
  }),
  jwtIssuer: text('JWT_ISSUER', {
    fallback: undefined,
    doc: 'Required issuer (iss) of tokens; any without it. Not with JWT_ISSUERS, which names its own.',
  }),
  jwtAudience: text('JWT_AUDIENCE', {
    fallback: undefined,
    doc: 'Required audience (aud) of tokens; any without it. With JWT_ISSUERS, of the issuers that name none.',
  }),
  jwtIssuers: secret('JWT_ISSUERS', {
    doc: 'Several issuers instead, as a JSON array: [{"issuer": "…", "audience": "…", "jwksUrl": "…"}], or with "publicKey" or "secret" instead of "jwksUrl".',
  }),
  publishKeys: secret('PUBLISH_KEYS', {
    doc: 'Keys of backends, as a JSON array: [{"name": "…", "key": "…", "publish": ["orders.>"], "subscribe": [], "role": "user"}], keys of at least 32 characters. "sse-update key create" stores keys in Postgres instead.',
  }),
  jwtSubscribeClaim: text('JWT_SUBSCRIBE_CLAIM', {
    fallback: 'subscribe',
    doc: 'Claim with the channel patterns that may be read.',
  }),
  jwtPublishClaim: text('JWT_PUBLISH_CLAIM', {
    fallback: 'publish',
    doc: 'Claim with the channel patterns that may be published to.',
  }),
  jwtRoleClaim: text('JWT_ROLE_CLAIM', { fallback: 'role', doc: 'Claim with the role: operator, or user.' }),
} as const
