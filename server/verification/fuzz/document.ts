/** A JSON schema without references, as far as the document of this server goes. */
export interface Schema {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  examples?: unknown[]
}

/** A parameter of an operation. */
export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
  example?: unknown
}

interface Media {
  schema?: Schema
  example?: unknown
  /** Of problem documents: one for each code. */
  examples?: Record<string, unknown>
}

/** An operation of the document. */
export interface Operation {
  /** Such as `GET /api/orders/{id}`. */
  name: string
  method: string
  path: string
  parameters: Parameter[]
  /** By media type; empty when the operation takes no body. */
  bodies: Record<string, Media>
  /** By status. */
  responses: Record<string, { content?: Record<string, Media>; headers?: Record<string, unknown> }>
}

/** An OpenAPI document as the server sends it. */
export interface OpenApi {
  paths: Record<
    string,
    Record<string, Omit<Operation, 'bodies'> & { requestBody?: { content: Record<string, Media> } }>
  >
  components: { schemas: Record<string, Schema> }
}

/** Every operation of a document, with its references resolved. */
export function operationsOf(document: OpenApi): Operation[] {
  return Object.entries(resolve(document, document).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters,
      bodies: requestBody?.content ?? {},
      responses,
    })),
  )
}

/** A copy in which each `$ref` is replaced by what it names. No schema of the document contains itself. */
function resolve<T>(value: T, document: OpenApi): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => resolve(item, document)) as T
  if ('$ref' in value)
    return resolve(document.components.schemas[String(value.$ref).split('/').at(-1) ?? ''], document) as T
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(member, document)])) as T
}
