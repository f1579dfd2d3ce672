/**
 * The key of an event that was sent and never answered: sent again unchanged, it is published once, whatever happened on
 * the way.
 */
let unanswered: { body: string; key: string } | undefined

/**
 * Publishes an event and answers its position.
 *
 * @param data JSON text
 * @throws {Error} with what to tell the person
 */
export async function publish(channel: string, type: string, data: string): Promise<number> {
  const text = data.trim() || 'null'
  try {
    JSON.parse(text)
  } catch (error) {
    throw new Error(`The data is not JSON: ${(error as Error).message}`)
  }
  const body = `{"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${text}}`
  if (unanswered?.body !== body) unanswered = { body, key: randomKey() }
  const response = await fetch('/events', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': unanswered.key },
    body,
  }).catch(() => {
    throw new Error('The server does not answer. Publish again: if it was published already, it stays one event.')
  })
  const answer = (await response.json().catch(() => ({}))) as { position?: number; detail?: string }
  if (response.status < 500) unanswered = undefined
  if (answer.position === undefined) throw new Error(answer.detail ?? `The server answered ${response.status}.`)
  return answer.position
}

/** `crypto.randomUUID` is not there on plain HTTP, but for localhost. */
const randomKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-')
