/** The ways to follow channels on `/events`, as they appear in the `transport` label of metrics: `poll` is long-polling. */
export const TRANSPORTS = ['sse', 'websocket', 'poll'] as const

/** One of {@link TRANSPORTS}. */
export type Transport = (typeof TRANSPORTS)[number]
