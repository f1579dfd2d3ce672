import http from 'node:http'

/**
 * Most bytes of a request's line and headers together: 64 channels of 255 ASCII characters take 17 KB. Bun refuses larger ones
 * itself, with status 431 and no body. Bun's default is 16 KiB.
 */
export const MAX_HEAD_BYTES = 64 * 2 ** 10

/**
 * Seconds that a new connection has for the head of its first request; Bun adds up to four. Bytes do not extend it, so a head that
 * comes byte by byte is cut off too. Bun rounds it up to a multiple of four.
 */
export const HEAD_TIMEOUT = 8

/**
 * Seconds after which Bun closes the connection of a request on which nothing is sent, and one that is kept alive without a
 * request. Bodies that arrive at less than 16 KiB/s do not extend it; see `body.ts` for their own limits. Streams are exempt:
 * heartbeats and the stall timeout take over.
 */
export const REQUEST_TIMEOUT = 60

/** Sets the limit of every server of this process; `Bun.serve` has no option for it. */
export function limitRequestHeads(): void {
  // The types declare it as a constant.
  ;(http as { maxHeaderSize: number }).maxHeaderSize = MAX_HEAD_BYTES
}
