import { AppError } from '../../platform/errors.ts'
import { SUBPROTOCOL } from '../../protocol/socket.ts'

const VERSION = '13'

const listOf = (value: string | null) => (value ?? '').split(',').map((item) => item.trim())

/** Whether a request asks for a WebSocket (RFC 6455, section 4.2.1). */
export const wantsWebSocket = ({ headers }: Request): boolean =>
  listOf(headers.get('upgrade')).some((name) => name.toLowerCase() === 'websocket')

/**
 * Checks what the client says of the protocol. The key and `Connection` are left to Bun, which then refuses the upgrade.
 *
 * @throws {AppError} `websocket.protocol` (426) for another version, or without the subprotocol
 */
export function checkHandshake({ headers }: Request): void {
  const version = headers.get('sec-websocket-version') ?? VERSION
  if (version === VERSION && listOf(headers.get('sec-websocket-protocol')).includes(SUBPROTOCOL)) return
  throw new AppError(
    'websocket.protocol',
    `A WebSocket of this resource has version ${VERSION} and the subprotocol "${SUBPROTOCOL}": new WebSocket(url, "${SUBPROTOCOL}").`,
    {
      status: 426,
      headers: {
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-version': VERSION,
        'sec-websocket-protocol': SUBPROTOCOL,
      },
    },
  )
}
