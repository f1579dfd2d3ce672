import http from 'node:http'

/**
 * Most bytes of a request's line and headers together: 64 channels of 255 ASCII characters take 17 KB. Bun refuses larger ones
 * itself, with status 431 and no body. Bun's default is 16 KiB.
 */
export const MAX_HEAD_BYTES = 64 * 2 ** 10

/** Sets the limit of every server of this process; `Bun.serve` has no option for it. */
export function limitRequestHeads(): void {
  // The types declare it as a constant.
  ;(http as { maxHeaderSize: number }).maxHeaderSize = MAX_HEAD_BYTES
}
