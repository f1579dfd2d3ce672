import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Grant, Role } from './grant.ts'

/** A key by which a backend authenticates, as it is stored: never the key itself. */
export interface StoredKey {
  /** Unique; the subject of the key's grant. One token of a channel. */
  name: string
  /** SHA-256 of the key, 32 bytes. A slow hash is not needed: keys are random, not chosen. */
  hash: Uint8Array
  publish: readonly string[]
  subscribe: readonly string[]
  role: Role
}

const PREFIX = 'ssek_'

/** Makes a key: `ssek_` and 256 random bits. It is shown once; only its hash is stored. */
export const createKey = (): string => PREFIX + randomBytes(32).toString('base64url')

/** What is stored of a key. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest()

/** Whether a bearer credential is a key, rather than a token. */
export const isKey = (credential: string): boolean => credential.startsWith(PREFIX)

/** The keys that are accepted. */
export class KeyRing {
  #keys: readonly StoredKey[] = []

  /** Replaces all keys. */
  set(keys: readonly StoredKey[]): void {
    this.#keys = keys
  }

  /**
   * The grant of a key; `undefined` for one that is not accepted. It compares with every key, in the same time for each, so that
   * the time of a response says nothing about the keys (CWE-208).
   */
  grantOf(key: string): Grant | undefined {
    const hash = hashKey(key)
    let found: StoredKey | undefined
    for (const stored of this.#keys) if (timingSafeEqual(stored.hash, hash)) found = stored
    return found && toGrant(found)
  }
}

const toGrant = ({ name, publish, subscribe, role }: StoredKey): Grant => ({
  subject: name,
  user: name,
  subscribe,
  publish,
  role,
  tokenId: null,
  issuedAt: null,
  expiresAt: null,
})
