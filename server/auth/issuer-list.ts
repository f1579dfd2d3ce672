import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { IssuerSettings } from './issuer.ts'

const Issuers = Type.Array(
  Type.Object(
    {
      issuer: Type.String({ minLength: 1 }),
      audience: Type.Optional(Type.String({ minLength: 1 })),
      secret: Type.Optional(Type.String()),
      publicKey: Type.Optional(Type.String()),
      jwksUrl: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 100 },
)

/** Reads the setting `JWT_ISSUERS`. @throws {Error} which says what is wrong, without a value */
export function parseIssuers(text: string): IssuerSettings[] {
  const value = parseJson(text)
  if (!Value.Check(Issuers, value)) {
    const path = Value.Errors(Issuers, value).First()?.path || '/'
    throw new Error(
      `${path} is not as expected: an array of {"issuer", "audience"?, "secret" | "publicKey" | "jwksUrl"}`,
    )
  }
  if (new Set(value.map(({ issuer }) => issuer)).size < value.length) throw new Error('an issuer is named twice')
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
}
