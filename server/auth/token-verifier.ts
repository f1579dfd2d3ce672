import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { AppError } from '../platform/errors.ts'
import { SECOND } from '../platform/time.ts'
import { CLOCK_TOLERANCE, type ClaimNames, grantFromClaims } from './claims.ts'
import type { Grant } from './grant.ts'
import type { Issuer } from './issuer.ts'

/** Most characters of a token. */
const MAX_TOKEN_LENGTH = 8192

/** Verifies tokens (JWT, RFC 7519, by the practices of RFC 8725). */
export interface TokenVerifier {
  /**
   * @throws {AppError} `token.expired`, `token.invalid` (401); `token.unverifiable` (503) when the issuer's keys can't be fetched
   */
  verify(token: string): Promise<Grant>
}

/** @param issuers at least one; with several, `iss` of a token chooses among them */
export const createTokenVerifier = (issuers: readonly Issuer[], names: ClaimNames): TokenVerifier => ({
  async verify(token) {
    const payload = await verifiedPayload(token, issuers)
    return grantFromClaims(payload, names)
  },
})

async function verifiedPayload(token: string, issuers: readonly Issuer[]): Promise<JWTPayload> {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw invalid(`The token has more than ${MAX_TOKEN_LENGTH} characters.`)
  }
  const { issuer, audience, algorithms, key } = chooseIssuer(token, issuers)
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...algorithms],
      clockTolerance: CLOCK_TOLERANCE / SECOND,
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    })
    return payload
  } catch (error) {
    throw toAppError(error)
  }
}

/** The claim is not verified yet: it only chooses the key, which then must verify the token. */
function chooseIssuer(token: string, issuers: readonly Issuer[]): Issuer {
  const [only] = issuers
  if (only && issuers.length === 1) return only
  const chosen = issuers.find(({ issuer }) => issuer === issuerOf(token))
  if (chosen) return chosen
  throw invalid('The token is from an issuer that this server does not know.')
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    throw invalid('The token is not a JWT.')
  }
}

/** Details name claims and reasons, never the token. */
function toAppError(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) {
    return new AppError('token.expired', 'The token has expired: get a new one.', { status: 401 })
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalid(`The token's claim "${error.claim}" is not what this server requires.`)
  }
  if (error instanceof errors.JWKSTimeout || isFetchFailure(error)) {
    return new AppError('token.unverifiable', "The issuer's keys can't be fetched: try again.", {
      status: 503,
      retryAfter: 5,
      cause: error,
    })
  }
  return invalid('The signature of the token can not be verified with a key of this server.', error)
}

/** What jose finds wrong with a token is a `JOSEError`; what goes wrong while keys are fetched is another error. */
const isFetchFailure = (error: unknown) => !(error instanceof errors.JOSEError)

const invalid = (detail: string, cause?: unknown) => new AppError('token.invalid', detail, { status: 401, cause })
