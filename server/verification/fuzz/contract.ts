import { operationOf, problemViolations } from '../../testing/problem-check.ts'
import type { OpenApi, Operation } from './document.ts'
import { operationsOf } from './document.ts'
import type { Exchanged } from './exchange.ts'
import { misfitsOf } from './misfits.ts'
import type { FuzzRequest } from './request.ts'
import { SchemaCheck } from './schema-check.ts'

/** Problems that no request which fits the document may get. */
const OF_MISFITS =
  /^(?:request|body|event|type|time|limit|cursor|named|client_id|user|key|if_match|data)\.(?:invalid|not_json|too_deep)$/
/** Bun refuses a head above its limit by itself, without a body. */
const WITHOUT_BODY = 431

/** Bytes of a body that fit the buffers of a connection whose server does not read. */
const MAX_UNREAD = 64 * 2 ** 10
/** There is no cookie to end where there was no session. */
const isConditional = (header: string) => header === 'Set-Cookie'

/** What the OpenAPI document promises about responses, and about the requests that may succeed. */
export class Contract {
  readonly #document: OpenApi
  readonly #schemas = new SchemaCheck()
  /** By method and path. */
  readonly operations: ReadonlyMap<string, Operation>

  constructor(document: OpenApi) {
    this.#document = document
    this.operations = new Map(operationsOf(document).map((operation) => [operation.name, operation]))
  }

  /** What is wrong with a response, or with its absence. */
  violations(request: FuzzRequest, response: Exchanged): string[] {
    const isLie = request.framing === 'less' || request.framing === 'more'
    if (response.outcome === 'hang') return ['no complete response, and the connection stays open']
    if (response.outcome === 'closed') {
      return isLie || this.#isUnread(request) ? [] : ['the connection was closed without a complete response']
    }
    const readings = pathsOf(request).map((path) => this.#ofResponse(request, path, response))
    return readings.find((found) => found.length === 0) ?? readings[0] ?? []
  }

  /**
   * A large body that no operation takes: the server closes a connection whose client still sends, and TCP may lose the
   * response then.
   */
  #isUnread({ method, target, body }: FuzzRequest): boolean {
    const operation = this.#operationOf(method, target.replace(/[?#].*/s, ''))
    return (body?.length ?? 0) > MAX_UNREAD && Object.keys(operation?.bodies ?? {}).length === 0
  }

  #ofResponse(request: FuzzRequest, path: string, response: Exchanged): string[] {
    const { status } = response
    if (status >= 400) return this.#ofError(request, path, response)
    const operation = this.#operationOf(request.method, path)
    if (!operation || request.method === 'OPTIONS') return status === 200 || status === 204 ? [] : [`status ${status}`]
    // What the server has read of a body whose length is wrong, nobody knows.
    const misfits =
      request.framing === 'less' || request.framing === 'more' ? [] : misfitsOf(request, operation, this.#schemas)
    return [
      ...misfits.map((misfit) => `${status} although ${misfit}`),
      ...this.#ofSuccess(operation, request, response),
    ]
  }

  #ofError(request: FuzzRequest, path: string, { status, headers, body }: Exchanged): string[] {
    const text = body.toString()
    if (status === WITHOUT_BODY) return []
    const found: string[] = []
    if (status >= 500 && status !== 503) found.push(`status ${status}`)
    if (!headers.get('content-type')?.startsWith('application/problem+json'))
      found.push(`${status} is no problem document: ${text.slice(0, 200)}`)
    else if (text === '' && request.method !== 'HEAD') found.push(`${status} has no body`)
    else found.push(...problemViolations({ method: request.method, path, status, text }, this.#document))
    const code = codeOf(text)
    if (request.kind === 'valid' && OF_MISFITS.test(code)) found.push(`a valid request got ${status}: ${text}`)
    if (status === 503 && !headers.has('retry-after')) found.push(`${code} has no Retry-After`)
    return found
  }

  #ofSuccess(operation: Operation, request: FuzzRequest, { status, headers, body }: Exchanged): string[] {
    const documented = operation.responses[status]
    if (!documented) return [`status ${status} is not documented`]
    const missing = Object.keys(documented.headers ?? {}).filter(
      (name) => !isConditional(name) && !headers.has(name.toLowerCase()),
    )
    const found = missing.map((name) => `${status} without the header ${name}`)
    const types = documented.content ?? {}
    const type = (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
    if (request.method === 'HEAD' || Object.keys(types).length === 0) return found
    const media = types[type]
    if (!media) return [...found, `${status} has the type "${type}", which is not documented`]
    if (!media.schema || type !== 'application/json') return found
    return [
      ...found,
      ...this.#schemas.problems(media.schema, JSON.parse(body.toString())).map((problem) => `${status}: ${problem}`),
    ]
  }

  #operationOf(method: string, path: string): Operation | undefined {
    const found = operationOf(this.#document, method, path)
    return found && this.operations.get(`${found.method.toUpperCase()} ${found.path}`)
  }
}

/** Paths that a target may mean: Bun routes by the path as it was sent, and where no route fits, without its dots. */
function pathsOf({ target }: FuzzRequest): string[] {
  const path = target.replace(/[?#].*/s, '')
  return [...new Set([path, URL.parse(path, 'http://localhost')?.pathname ?? path])]
}

/** The code of a problem document; empty when the text is none. */
export function codeOf(text: string): string {
  try {
    return String(JSON.parse(text).code ?? '')
  } catch {
    return ''
  }
}
