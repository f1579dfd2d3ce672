// Sizes of the contract. Without imports, so that the browser may take the values too.

/** Most characters of a channel's name or a pattern. */
export const MAX_CHANNEL_LENGTH = 255

/** Most tokens of a channel's name or a pattern. */
export const MAX_TOKENS = 16

/** Most characters of a name that is a token of channels, such as the user `alice` in `orders.alice.17`. */
export const MAX_TOKEN_LENGTH = 100

/** Most characters of an event's type, an idempotency key or a client ID. */
export const MAX_NAME_LENGTH = 255

/** Most events of one request. */
export const MAX_BATCH = 1000

/** Most patterns of one stream, or of one page of history. */
export const MAX_PATTERNS = 64

/** Most types of one page of history: Postgres compares each with every row. */
export const MAX_TYPES = 64

/** Events of a page of history (`GET /events`). */
export const HISTORY_PAGE = { default: 100, max: 1000 } as const

/** Items of a page of a list, such as `/api/orders`. */
export const LIST_PAGE = { default: 50, max: 500 } as const

/** Most seconds that a request for a page waits for events. */
export const MAX_WAIT = 60
