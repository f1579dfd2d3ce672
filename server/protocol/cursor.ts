/** A place in the log, and the epoch of the log that it belongs to. */
export interface LogCursor {
  /** Events up to and including this position have been read; `0` is before the first event. */
  position: number
  /** Epoch in which the position was given; `null` for a plain number, which counts as one of the current epoch. */
  epoch: string | null
}

/**
 * What an epoch looks like: 1 to 16 lower-case letters and digits. A log has one epoch at a time, and starts another one when
 * it may have been restored or set back: positions after that belong to other events than before.
 */
export const EPOCH_PATTERN = '[0-9a-z]{1,16}'

/** Pattern of the position that a cursor begins with. */
export const POSITION_PATTERN = '\\d{1,16}'

const CURSOR = new RegExp(`^(${POSITION_PATTERN})(?:-(${EPOCH_PATTERN}))?$`)

/** The text of a cursor, such as `42-k3f9`. It is opaque to clients: only the server compares its parts. */
export const formatCursor = (position: number, epoch: string): string => `${position}-${epoch}`

/** Reads the text of a cursor, or a plain position; `undefined` when it is neither, or beyond 2^53. */
export function parseLogCursor(text: string): LogCursor | undefined {
  const [, digits, epoch = null] = CURSOR.exec(text) ?? []
  const position = Number(digits)
  return Number.isSafeInteger(position) ? { position, epoch } : undefined
}
