import { bearer, type TestClaims } from './tokens.ts'

/** What a client sees of a response. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The text as JSON; `undefined` when it is something else. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it has asked for.
  body: any
}

/** Who asks, and with what. */
export interface Question {
  /** Claims of a test token; without them no token is sent. */
  as?: TestClaims
  /** Text and bytes go as they are, other values as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

/**
 * Sends a request and reads the whole response, except of a stream, whose text is that of its first chunk.
 *
 * @param route such as `GET /api/orders`
 */
export async function ask(url: string, route: string, { as, body, headers }: Question = {}): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ')
  const response = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(as && (await bearer(as))),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
  })
  const type = response.headers.get('content-type') ?? ''
  const text = type.startsWith('text/event-stream') ? await firstChunk(response) : await response.text()
  return { status: response.status, headers: response.headers, text, body: jsonOf(text, type) }
}

const isRaw = (body: unknown): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array

const jsonOf = (text: string, type: string) => (/json/.test(type) && text !== '' ? JSON.parse(text) : undefined)

async function firstChunk({ body }: Response): Promise<string> {
  const reader = body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  return new TextDecoder().decode(first?.value)
}
