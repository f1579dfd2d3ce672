/**
 * Why the server closes a WebSocket: the close code (RFC 6455, section 7.4), and the reason that comes with it. Those of its own
 * are 4000 and an HTTP status. Bun itself closes after what breaks RFC 6455: 1002 (a frame that is not of the protocol), 1007
 * (text that is not UTF-8) and 1009 (a message of more than 64 KiB).
 */
export const CLOSE_CODES = {
  unsupported: [1003, 'A binary message: messages are JSON text.'],
  error: [1011, 'A failure of the server; its log has the details.'],
  drain: [1012, 'The instance stops: reconnect after `retry`.'],
  full: [1013, 'The instance has as many streams as it takes: reconnect after `retry`.'],
  limit: [1013, 'The subject or the address has as many streams as it may have: reconnect after `retry`.'],
  unavailable: [1013, 'Postgres is unreachable, and the cursor needs it: reconnect after `retry`.'],
  over: [4204, 'No event will ever follow: do not reconnect.'],
  invalid: [4400, 'A message that is not JSON or not of the protocol: the client is at fault.'],
  expired: [4401, 'The token of the stream has expired: reconnect with a new one.'],
  revoked: [4403, 'The token was revoked, the session was ended, or a renewed token does not cover the channels.'],
  stalled: [4408, 'The client did not read. Where it still does not, the connection ends without a close frame.'],
  replaced: [4409, 'The same clientId has opened another stream.'],
  flood: [4429, 'The client sent messages too fast, or did not read the answers: reconnect later.'],
} as const satisfies Record<string, readonly [code: number, when: string]>

/** The reason of a close frame, and of `closing` where that comes before it. */
export type CloseName = keyof typeof CLOSE_CODES

/** The close code of a reason. */
export const closeCodeOf = (name: CloseName): number => CLOSE_CODES[name][0]
