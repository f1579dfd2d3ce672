// Misspelled query parameters, which would silently change the meaning of a request if they were ignored.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Runtime } from '../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const refusal = async (path: string, accept = 'text/event-stream') => {
  const response = await fetch(`${instance.url}${path}`, { headers: { accept } })
  if (response.status === 200) {
    await response.body?.cancel()
    return { status: 200 }
  }
  return {
    ...((await response.json()) as { code: string; detail: string; suggestion?: string }),
    status: response.status,
  }
}

describe('the stream', () => {
  test.each([
    ['channels=orders.>', 'channel'],
    ['Channel=orders.>', 'channel'],
    ['channel[]=orders.>', 'channel'],
    ['channel=a&last-event-id=7', 'lastEventId'],
    ['channel=a&last_event_id=7', 'lastEventId'],
    ['channel=a&client_id=p', 'clientId'],
    ['channel=a&name=false', 'named'],
    ['topic=a', undefined],
    ['channel=a&after=7', undefined],
    [`${'x'.repeat(100)}=a`, undefined],
  ])('with %s is refused with the nearest name', async (query, suggestion) => {
    const problem = await refusal(`/events?${query}`)
    expect(problem).toMatchObject({ status: 400, code: 'parameter.unknown' })
    expect(problem).toHaveProperty('detail', expect.stringContaining('channel'))
    expect('suggestion' in problem ? problem.suggestion : undefined).toBe(suggestion as never)
  })

  test.each(['lastEventId=1&lastEventId=2', 'named=true&named=false', 'clientId=a&clientId=b'])(
    'with two values of one, %s, is refused',
    async (query) => {
      expect(await refusal(`/events?channel=a&${query}`)).toMatchObject({ status: 400, code: 'parameter.repeated' })
    },
  )

  test('reports its channels in ready, also when the request has none', async () => {
    await using some = await openStream(instance.url, ['orders.>', 'tasks.bob.*'])
    await using none = await openStream(instance.url)
    const channels = [some, none].map(({ frames }) => JSON.parse(frames[0]?.data ?? '').channels)
    expect(channels).toEqual([['orders.>', 'tasks.bob.*'], ['broadcast']])
  })
})

describe('pages of history', () => {
  test.each(['type=order.paid', 'since=2026-11-21T10:00:00Z', 'until=2026-11-21T10:00:00Z'])(
    'say that %s needs "before"',
    async (query) => {
      const { detail } = (await refusal(`/events?${query}`, 'application/json')) as unknown as { detail: string }
      expect(detail).toContain('before=latest')
    },
  )

  test.each([
    ['/events?channels=a', 'parameter.unknown'],
    ['/events?lastEventId=1', 'parameter.unknown'],
    ['/events?type=order.paid', 'parameter.unknown'],
    ['/events?limit=1&limit=2', 'parameter.repeated'],
    ['/events?before=latest&after=1', 'parameter.unknown'],
    ['/events?before=latest&types=a', 'parameter.unknown'],
    ['/events?before=latest&before=1', 'parameter.repeated'],
    ['/api/orders?customr=alice', 'request.invalid'],
    ['/api/orders/count?customer=alice', 'request.invalid'],
    ['/api/orders?limit=1&limit=2', 'parameter.repeated'],
    ['/api/tasks?ownr=bob', 'request.invalid'],
    ['/api/tasks/count?owner=bob', 'request.invalid'],
    ['/api/tasks?owner=a&owner=b', 'parameter.repeated'],
    ['/api/notifications?recipient=alice', 'request.invalid'],
    ['/api/cluster?name=a', 'request.invalid'],
  ])('%s is refused with %s', async (path, code) => {
    expect(await refusal(path, 'application/json')).toMatchObject({ status: 400, code })
  })

  test.each(['/events?before=latest&type=a&type=b&channel=a&channel=b', '/events?after=0&channel=a&channel=b'])(
    '%s, with several values where they may be, is a page',
    async (path) => {
      expect(await refusal(path, 'application/json')).toEqual({ status: 200 })
    },
  )
})

test.each([
  ['channels=x', 'parameter.unknown'],
  ['channel=x&data=1', 'parameter.unknown'],
  ['channel=x&channel=y', 'parameter.repeated'],
  ['type=t', 'channel.missing'],
  ['key=k', 'channel.missing'],
])('publishing refuses the query ?%s, of which something would be ignored, with %s', async (query, code) => {
  const response = await fetch(`${instance.url}/events?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"channel":"a","type":"t"}',
  })
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, code])
})

test('no route of the API ignores a parameter that it does not have', async () => {
  const document = (await (await fetch(`${instance.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: Record<string, { example: unknown }> } }>>
  }
  const operations = Object.entries(document.paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({ path, method, content: requestBody?.content })),
    )
  expect(operations.length).toBeGreaterThan(15)
  for (const { path, method, content } of operations) {
    const [type, media] = Object.entries(content ?? {})[0] ?? []
    const body = type === 'application/json' ? JSON.stringify(media?.example) : media?.example
    const url = `${instance.url}${path.replace('{id}', '1').replace('{name}', 'a')}?nmae=a`
    const response = await fetch(url, {
      method: method.toUpperCase(),
      ...(type && { body: body as string, headers: { 'content-type': type } }),
    })
    const { code } = (await response.json()) as { code: string }
    expect([method, path, response.status]).toEqual([method, path, 400])
    expect(['request.invalid', 'parameter.unknown']).toContain(code)
  }
})
