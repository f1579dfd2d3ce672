import type { AppError } from '../platform/errors.ts'

/** The rights of a request that takes long: its body arrives, or its response is sent. */
export interface HeldRights {
  /** @throws {AppError} (401) when they have ended */
  check(): void
  /** The request has ended. */
  release(): void
}

/**
 * Holds the rights by which a request was authorized; of one that was not, nothing.
 *
 * @param onEnd called once when they end, with the error of the request (401)
 */
export type HoldRights = (request: Request, onEnd: (error: AppError) => void) => HeldRights
