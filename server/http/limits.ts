import http from 'node:http'

/**
 * Most bytes of a request's line and headers together: 64 channels of 255 ASCII characters take 17 KB. What is larger gets
 * status 431 without a body, from Bun itself. Bun's default is 16 KiB.
 */
export const MAX_HEAD_BYTES = 64 * 2 ** 10

/** Sets the limit of every server of this process; `Bun.serve` has no option for it. */
export function limitRequestHeads(): void {
  // The types have it as a constant.
  ;(http as { maxHeaderSize: number }).maxHeaderSize = MAX_HEAD_BYTES
}
