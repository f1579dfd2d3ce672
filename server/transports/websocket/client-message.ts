import { AppError } from '../../platform/errors.ts'

/** What a message of a client asks for. Patterns and token are not checked yet. */
export type ClientRequest =
  | { kind: 'renew'; token: string }
  | { kind: 'change'; subscribe: readonly unknown[]; unsubscribe: readonly unknown[] }

/**
 * Reads a message of a client: see `ChannelChange` and `Renewal` of the contract.
 *
 * @throws {AppError} `message.invalid`
 */
export function parseClientMessage(text: string): ClientRequest {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null) throw unknownMessage()
  const { token, subscribe, unsubscribe, ...others } = value as Record<string, unknown>
  if (Object.keys(others).length > 0) throw unknownMessage()
  if (typeof token === 'string' && subscribe === undefined && unsubscribe === undefined) return { kind: 'renew', token }
  if (token !== undefined || (subscribe === undefined && unsubscribe === undefined)) throw unknownMessage()
  return { kind: 'change', subscribe: listOf(subscribe), unsubscribe: listOf(unsubscribe) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('message.invalid', 'A message is JSON.', { cause })
  }
}

function listOf(value: unknown = []): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw unknownMessage()
}

const unknownMessage = () =>
  new AppError(
    'message.invalid',
    'A message is {"subscribe": ["orders.alice.*"]}, {"unsubscribe": ["broadcast"]}, both in one, or {"token": "…"}.',
  )
