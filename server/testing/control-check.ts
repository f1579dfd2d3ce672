import Ajv, { type ValidateFunction } from 'ajv/dist/2020'
import { asyncApiDocument } from '../api/asyncapi.ts'

/** The part of the AsyncAPI document that the check reads. */
interface AsyncApi {
  channels: Record<'stream' | 'websocket', { messages: Record<string, { payload: object }> }>
  components: { schemas: Record<string, { properties?: object }> }
}

/** RFC 3339, as `Date.toISOString` writes it. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** The control events of a document, with a function that says what is wrong with the data of one. */
export const controlEventsOf = (document: object) => checksOf(document, 'stream')

/** The messages of one channel of a document, with a function that says what is wrong with one. */
function checksOf(
  document: object,
  channel: keyof AsyncApi['channels'],
): ReadonlyMap<string, (data: string) => string[]> {
  const { channels, components } = strict(document) as AsyncApi
  const ajv = new Ajv({ strict: false, formats: { 'date-time': DATE_TIME } })
  ajv.addSchema({ components, $id: 'document' })
  return new Map(
    Object.entries(channels[channel].messages).map(([type, { payload }]) => {
      const validate = ajv.compile(JSON.parse(JSON.stringify(payload).replaceAll('"#/', '"document#/')))
      return [type, (data: string) => violationsOf(type, data, validate)]
    }),
  )
}

/** A member that is not documented is a violation too. */
function strict(document: object): object {
  return JSON.parse(JSON.stringify(document), (_, value) =>
    value?.type === 'object' && value.properties ? { ...value, additionalProperties: false } : value,
  )
}

function violationsOf(type: string, data: string, validate: ValidateFunction): string[] {
  try {
    if (validate(JSON.parse(data))) return []
  } catch {
    return [`control event ${type}: its data is not JSON: ${data}`]
  }
  return (validate.errors ?? []).map(
    ({ instancePath, message }) => `control event ${type}: ${instancePath || '/'}: ${message} in ${data}`,
  )
}

const published = controlEventsOf(asyncApiDocument('test'))
const overSockets = checksOf(asyncApiDocument('test'), 'websocket')

/** What is wrong with a control event of a stream, by the AsyncAPI document; nothing for other events. */
export const controlViolations = (type: string, data: string): string[] => published.get(type)?.(data) ?? []

/** What is wrong with a message of a WebSocket, by the AsyncAPI document: an answer, which has no ID, or anything else. */
export function socketViolations(message: { id?: string; event: string; data: unknown }): string[] {
  const isAnswer = message.id === undefined && overSockets.has(message.event)
  const check = overSockets.get(isAnswer ? message.event : 'event')
  return [
    ...(check?.(JSON.stringify(message)) ?? []),
    ...controlViolations(message.event, JSON.stringify(message.data)),
  ]
}
