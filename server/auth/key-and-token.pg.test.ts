import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ask } from '../testing/ask.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { startInstance } from '../testing/instance.ts'
import { openSocketReader } from '../testing/socket-reader.ts'
import { openStream, publish } from '../testing/stream-reader.ts'
import { bearer, TOKEN_SECRET, tokenOf } from '../testing/tokens.ts'

const KEY = 'a-key-of-more-than-thirty-two-characters'
/** Of the same page. */
const page = () => `${instance.url}/events?channel=a&clientId=page`
const headers = { authorization: `Bearer ${KEY}` }
const token = { sub: 'billing', subscribe: ['>'], publish: ['>'] }

let database: TestDatabase
let instance: Awaited<ReturnType<typeof startInstance>>
beforeAll(async () => {
  database = await createDatabase()
  const keys = [{ name: 'billing', key: KEY, publish: ['{sub}.>'], subscribe: ['a', '{sub}.>'] }]
  instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, PUBLISH_KEYS: JSON.stringify(keys) })
})
afterAll(async () => {
  await instance?.stop()
  await database[Symbol.asyncDispose]()
})

describe('a key and a token whose subject is the name of the key', () => {
  test('do not see the tasks of each other', async () => {
    const body = { kind: 'demo', input: { seconds: 1 } }
    const { body: ofToken } = await ask(instance.url, 'POST /api/tasks', { as: token, body })
    const { body: ofKey } = await ask(instance.url, 'POST /api/tasks', { headers, body })
    const idsOf = ({ body: page }: Awaited<ReturnType<typeof ask>>) => page.tasks.map(({ id }: { id: number }) => id)
    expect(idsOf(await ask(instance.url, 'GET /api/tasks', { as: token }))).toEqual([ofToken.id])
    expect(idsOf(await ask(instance.url, 'GET /api/tasks', { headers }))).toEqual([ofKey.id])
  })

  test('do not replace the streams of each other', async () => {
    const ofKey = await openStream(page(), [], headers)
    const ofToken = await openStream(page(), [], await bearer(token))
    await publish(instance.url, [{ channel: 'a', type: 't', data: 1 }], await bearer(token))
    await ofToken.until(({ events }) => events.length === 1)
    await ofKey.until(({ events }) => events.length === 1)
    await Promise.all([ofKey.close(), ofToken.close()])
  })

  test('do not renew the WebSockets of each other', async () => {
    using socket = await openSocketReader(instance.url, ['a'], {}, headers)
    socket.send({ token: await tokenOf(token) })
    expect((await socket.message('error')).data).toMatchObject({ code: 'token.subject', status: 403 })
  })

  test('have the name for {sub} in their patterns', async () => {
    expect((await ask(instance.url, 'GET /session', { headers })).body).toMatchObject({
      subject: 'billing',
      publish: ['billing.>'],
    })
  })
})
