import { createRemoteJWKSet, customFetch, type FetchImplementation, type JWTVerifyGetKey } from 'jose'
import { MINUTE, SECOND } from '../platform/time.ts'

const JWKS_TIMEOUT = 5 * SECOND
/** Milliseconds between two fetches that unknown key ids cause: no token can make this server call the issuer more often. */
const JWKS_COOLDOWN = 30 * SECOND
/** Milliseconds after a failed fetch in which there is no other one: 503 tells clients to wait as long. */
const JWKS_RETRY = 5 * SECOND
const JWKS_MAX_AGE = 10 * MINUTE
const MAX_JWKS_BYTES = 2 ** 20

/**
 * The keys of a JWK Set (RFC 7517), fetched when a token needs them. However many tokens there are and whatever they say, the
 * issuer is asked every few seconds at most; while it fails, keys that were fetched less than ten minutes ago still verify.
 *
 * @param address https, or http on loopback
 * @param now milliseconds since the Unix epoch, by which the pause after a failure is measured. Defaults to `Date.now`
 * @throws {Error} for an address of another kind
 */
export function createRemoteKeys(address: string, now: () => number = Date.now): JWTVerifyGetKey {
  const url = URL.parse(address)
  const isLoopback = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))) {
    throw new Error('the JWKS URL must begin with https:// (http:// only on loopback)')
  }
  return createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT,
    cooldownDuration: JWKS_COOLDOWN,
    cacheMaxAge: JWKS_MAX_AGE,
    [customFetch]: pausing(fetchKeys, now),
  })
}

/** A fetch that repeats its last failure for a while, without a request. */
function pausing(fetchOnce: FetchImplementation, now: () => number): FetchImplementation {
  let failure: { error: unknown; until: number } | undefined
  return async (url, options) => {
    if (failure && now() < failure.until) throw failure.error
    try {
      const response = await fetchOnce(url, options)
      failure = undefined
      return response
    } catch (error) {
      failure = { error, until: now() + JWKS_RETRY }
      throw error
    }
  }
}

/** Fetches a JWK Set of at most `MAX_JWKS_BYTES`, without following redirects. @throws {Error} for anything else */
async function fetchKeys(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: 'error' })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the JWKS URL responded with status ${response.status}`)
  }
  const text = await readBounded(response)
  if (!isKeySet(JSON.parse(text))) throw new Error('the JWKS URL did not respond with a JWK Set')
  return new Response(text)
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_JWKS_BYTES) throw new Error('the JWK Set is larger than 1 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const isKeySet = (value: unknown): boolean =>
  isObject(value) && 'keys' in value && Array.isArray(value.keys) && value.keys.every(isObject)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
