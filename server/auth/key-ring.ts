import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Grant, Role } from './grant.ts'

/** A key by which a backend authenticates, as it is stored: never the key itself. */
export interface StoredKey {
  /** The subject of the key's grant. One token of a channel, of at most `MAX_KEY_NAME_LENGTH` characters. */
  name: string
  /** SHA-256 of the key, 32 bytes. A slow hash is not needed: keys are random, not chosen. */
  hash: Uint8Array
  publish: readonly string[]
  subscribe: readonly string[]
  role: Role
}

/** Most characters of the name of a key. */
export const MAX_KEY_NAME_LENGTH = 80

const PREFIX = 'ssek_'

/** Makes a key: `ssek_` and 256 random bits. It is shown once; only its hash is stored. */
export const createKey = (): string => PREFIX + randomBytes(32).toString('base64url')

/** What is stored of a key. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest()

/** The form of a token (RFC 7515, section 3.1): three parts. */
const TOKEN = /^[\w-]*\.[\w-]*\.[\w-]*$/

/**
 * Whether a bearer credential can be no token, by its form. Keys that the configuration gives may have the form of a token:
 * ask the ring first.
 */
export const isKey = (credential: string): boolean => !TOKEN.test(credential)

/**
 * The keys that are accepted: those of the configuration (`PUBLISH_KEYS`), which stay, and those in Postgres, which change
 * while the server runs.
 */
export class KeyRing {
  readonly #configured: readonly StoredKey[]
  #keys: readonly StoredKey[]
  /** Names of all keys that were accepted since the start. */
  readonly #known: Set<string>

  constructor(configured: readonly StoredKey[] = []) {
    this.#configured = configured
    this.#keys = configured
    this.#known = new Set(configured.map(({ name }) => name))
  }

  /** Replaces the keys in Postgres. */
  set(stored: readonly StoredKey[]): void {
    this.#keys = [...this.#configured, ...stored]
    for (const { name } of stored) this.#known.add(name)
  }

  /** Number of keys that are accepted. */
  get size(): number {
    return this.#keys.length
  }

  /**
   * The grant of a key; `undefined` for a credential that is no accepted key. It compares with every key, in the same time for
   * each, so that the time of a response says nothing about the keys (CWE-208).
   */
  grantOf(credential: string): Grant | undefined {
    const hash = hashKey(credential)
    let found: StoredKey | undefined
    for (const stored of this.#keys) if (timingSafeEqual(stored.hash, hash)) found = stored
    return found && toGrant(found)
  }

  /** Whether a grant comes from a key that is not accepted any more. Keys are known by name; tokens' grants expire. */
  hasRevoked = ({ subject, expiresAt }: Grant): boolean =>
    subject !== null &&
    expiresAt === null &&
    this.#known.has(subject) &&
    !this.#keys.some(({ name }) => name === subject)
}

/** `escapeToken` makes no token that begins like this: the name of a key is not the `sub` of a token. */
const KEY_USER = '%key:'

const toGrant = ({ name, publish, subscribe, role }: StoredKey): Grant => ({
  subject: name,
  user: KEY_USER + name,
  subscribe,
  publish,
  role,
  tokenId: null,
  issuedAt: null,
  expiresAt: null,
})
