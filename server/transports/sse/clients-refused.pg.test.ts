// What SSE clients do when no stream is opened for them: none of them loops, those included that retry at once.

import { afterAll, beforeAll, expect, spyOn, test } from 'bun:test'
import { SECOND } from '../../platform/time.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { REFUSALS, RETRY, type Refusal, type Refusals, startRefusals } from '../../testing/refusals.ts'
import { SSE_CLIENTS } from '../../testing/sse-clients.ts'

let database: TestDatabase
let refusals: Refusals
// One of the clients prints each refusal.
const consoleError = spyOn(console, 'error').mockImplementation(() => {})
beforeAll(async () => {
  database = await createDatabase()
  refusals = await startRefusals(database.url)
})
afterAll(async () => {
  consoleError.mockRestore()
  await refusals[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Milliseconds for which each client is watched. */
const WINDOW = 6 * SECOND
/** Requests in that time whose delays are 0.25, 0.5, 1, 2 and 4 s: the last response would come later. */
const DELAYED = 5
/** Most requests of a client that waits for each response, when the first ones are not delayed (see `RefusalDelay`). */
const REFUSED = 2 + DELAYED
const REPEATED = 10 + DELAYED
/** Most requests of a client that keeps the time of `closing`. */
const paced = (retry: number) => 1 + Math.floor(WINDOW / retry)

/** The status of each situation, and the most requests of a client. */
const EXPECTED: Record<Refusal, [status: number, requests: number]> = {
  'no token': [401, REFUSED],
  'expired token': [401, REFUSED],
  'foreign channel': [403, REFUSED],
  'bad request': [400, REPEATED],
  limit: [200, paced(3 * RETRY)],
  full: [200, paced(3 * RETRY)],
  drain: [200, paced(RETRY)],
  over: [204, REPEATED],
}

/** A client that does not keep the time of `closing` is slowed down by the server. */
const LOOP = 'a loop without a pause'
const boundOf = (client: string, refusal: Refusal) =>
  client === LOOP ? Math.max(EXPECTED[refusal][1], REPEATED) : EXPECTED[refusal][1]

test.concurrent.each(Object.entries(SSE_CLIENTS))(
  '%s sends few requests, whatever the reason',
  async (client, open) => {
    // An instance that drains does not delay: it is gone before long.
    const situations = REFUSALS.filter((refusal) => client !== LOOP || refusal !== 'drain')
    const requests = await Promise.all(
      situations.map(async (refusal) => {
        await using stream = await refusals.refuse(refusal)
        const close = open(stream.url)
        await Bun.sleep(WINDOW)
        close()
        const [status] = EXPECTED[refusal]
        const others = stream.attempts.filter((attempt) => attempt.status !== status && attempt.status !== 0)
        expect([refusal, stream.attempts[0]?.status, others]).toEqual([refusal, status, []])
        return [refusal, stream.attempts.length] as const
      }),
    )
    expect(requests.filter(([refusal, count]) => count > boundOf(client, refusal))).toEqual([])
  },
)
