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
  const response = await fetch('/events', {
    method: 'POST',
    // The same key for every try of this event: it is published once, whatever happens on the way.
    headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
    body: `{"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${text}}`,
  }).catch(() => {
    throw new Error('The server does not answer. Nothing was published; try again.')
  })
  const body = (await response.json()) as { position: number; detail?: string }
  if (!response.ok) throw new Error(body.detail ?? `The server answered ${response.status}.`)
  return body.position
}
