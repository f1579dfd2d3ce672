import { connect } from 'node:net'

/** The response on one connection. */
export interface RawResponse {
  status: number
  /** Names in lower case. */
  headers: Map<string, string>
  body: string
  /** The whole response, unparsed. */
  text: string
}

/**
 * Writes bytes to a server and reads until it closes the connection: requests that no HTTP client would send.
 *
 * @param request lines end in `\n`, which is sent as CRLF; it must contain `Connection: close`
 */
export async function sendRaw(url: string, request: string): Promise<RawResponse> {
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  socket.on('close', () => resolve(text))
  socket.on('error', reject)
  socket.write(request.replace(/\r?\n/g, '\r\n'))
  return parse(await promise)
}

function parse(text: string): RawResponse {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n'), text }
}
