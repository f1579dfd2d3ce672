import { covers, union } from '../sse/pattern.ts'
import { user } from './identity.ts'
import { access } from './session.ts'

const EVERYTHING = ['>']
/** Patterns that one stream can have. */
const MAX_PATTERNS = 64

/** Patterns of the channels that the user may read. */
export function readablePatterns(): readonly string[] {
  const now = access()
  return now.name === 'signed in' ? union(now.session.subscribe).slice(0, MAX_PATTERNS) : EVERYTHING
}

/** Whether the user may read every channel of a pattern. Otherwise the server refuses a stream with it as a whole. */
export const canRead = (pattern: string): boolean => readablePatterns().some((wider) => covers(wider, pattern))

/** Whether the user manages what belongs to all users. Without access control, every user does. */
export function isOperator(): boolean {
  const now = access()
  return now.name !== 'signed in' || now.session.role === 'operator'
}

/**
 * The channels of a kind of rows that the user may read: those of all users, or their own.
 *
 * @param kind such as `orders` of `orders.alice.17`
 */
export const channelsOfRows = (kind: string): readonly string[] =>
  [`${kind}.>`, `${kind}.${user()}.>`].filter(canRead).slice(0, 1)

/** Whether the user may publish to every channel of a pattern. Without access control, every user may. */
export function canPublish(pattern: string): boolean {
  const now = access()
  return now.name !== 'signed in' || now.session.publish.some((wider) => covers(wider, pattern))
}
