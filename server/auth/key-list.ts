import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { TOKEN_PATTERN } from '../protocol/names.ts'
import { hashKey, MAX_KEY_NAME_LENGTH, type StoredKey } from './key-ring.ts'
import { bindSubject, MAX_GRANTED_PATTERNS } from './patterns.ts'

const Patterns = Type.Array(Type.String(), { maxItems: MAX_GRANTED_PATTERNS })

const Keys = Type.Array(
  Type.Object(
    {
      name: Type.String({ pattern: TOKEN_PATTERN, maxLength: MAX_KEY_NAME_LENGTH }),
      // What a bearer credential may hold (RFC 6750, section 2.1).
      key: Type.String({ pattern: '^[\\w.~+/=-]{32,1024}$' }),
      publish: Patterns,
      subscribe: Type.Optional(Patterns),
      role: Type.Optional(Type.Union([Type.Literal('user'), Type.Literal('operator')])),
    },
    { additionalProperties: false },
  ),
  { maxItems: 1000 },
)

/** Reads the setting `PUBLISH_KEYS`. @throws {Error} which says what is wrong, without a value */
export function parseKeys(text: string): StoredKey[] {
  const value = parseJson(text)
  if (!Value.Check(Keys, value)) {
    const path = Value.Errors(Keys, value).First()?.path || '/'
    throw new Error(
      `${path} is not as expected: an array of {"name", "key", "publish": [patterns], "subscribe"?: [patterns], ` +
        '"role"?: "user" | "operator"}, keys of at least 32 characters (letters, digits, "-._~+/=")',
    )
  }
  if (new Set(value.map(({ name }) => name)).size < value.length) throw new Error('a name is used twice')
  if (new Set(value.map(({ key }) => key)).size < value.length) throw new Error('a key is used twice')
  return value.map(({ name, key, publish, subscribe = [], role = 'user' }) => ({
    name,
    hash: hashKey(key),
    publish: bindSubject(publish, name),
    subscribe: bindSubject(subscribe, name),
    role,
  }))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
}
