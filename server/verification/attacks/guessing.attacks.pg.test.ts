import { expect, test } from 'bun:test'
import { ask } from '../../testing/ask.ts'
import { createDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { TOKEN_SECRET } from '../../testing/tokens.ts'

test('a client that guesses credentials is slowed down at every door, and no other address is', async () => {
  await using database = await createDatabase()
  await using instance = await startInstance(database.url, { JWT_SECRET: TOKEN_SECRET, TRUSTED_PROXIES: '127.0.0.0/8' })
  const guess = (route: string, address = '192.0.2.1') =>
    ask(instance.url, route, { headers: { authorization: 'Bearer guessed', 'x-forwarded-for': address } })
  const millisecondsOf = async (route: string, address?: string) => {
    const start = performance.now()
    expect((await guess(route, address)).status).toBe(401)
    return performance.now() - start
  }
  await Promise.all(Array.from({ length: 31 }, () => guess('GET /session')))
  for (const route of ['GET /api/orders', 'HEAD /events', 'POST /events', 'GET /events?after=0', 'GET /metrics']) {
    expect(await millisecondsOf(route), route).toBeGreaterThan(400)
  }
  const start = performance.now()
  await ask(instance.url, 'POST /session', {
    headers: { authorization: 'Bearer a.b.c', 'x-forwarded-for': '192.0.2.1' },
  })
  expect(performance.now() - start).toBeGreaterThan(3000)
  // Without any delay it is some milliseconds, on a busy machine some hundreds.
  expect(await millisecondsOf('GET /session', '192.0.2.2')).toBeLessThan(2000)
}, 60_000)
