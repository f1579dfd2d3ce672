import { expect, test } from 'bun:test'
import { authorizeAnonymous } from './authorize.ts'
import { createRequestRate, limitRequests } from './request-rate.ts'

function createLimited(rate: number) {
  const reached: string[] = []
  const state = { subject: null as string | null, address: '192.0.2.1' }
  const authorize = limitRequests(
    async (request) => {
      const actor = await authorizeAnonymous(request)
      return { ...actor, grant: { ...actor.grant, subject: state.subject } }
    },
    createRequestRate({
      rate,
      addressOf: () => state.address,
      server: () => null,
      telemetry: { limitReached: (name) => reached.push(name) },
    }),
  )
  const codeOf = async (request = new Request('http://localhost')) => {
    try {
      await authorize(request)
      return 'ok'
    } catch (error) {
      return error
    }
  }
  return { state, reached, codeOf }
}

test('a sender may send five seconds of the rate at once, and then gets 429 with the fields that say when to go on', async () => {
  const { codeOf, reached } = createLimited(1)
  for (let n = 0; n < 5; n++) expect(await codeOf()).toBe('ok')
  expect(await codeOf()).toMatchObject({
    code: 'request.too_fast',
    status: 429,
    retryAfter: 1,
    headers: { 'ratelimit-policy': '"requests";q=5;w=5', ratelimit: expect.stringMatching(/^"requests";r=0;t=\d$/) },
  })
  expect(reached).toEqual(['request_rate'])
})

test('each subject has a rate of its own, wherever it comes from; without subjects, each address', async () => {
  const { codeOf, state } = createLimited(1)
  state.subject = 'alice'
  for (let n = 0; n < 5; n++) expect(await codeOf()).toBe('ok')
  state.address = '192.0.2.2'
  expect(await codeOf()).toMatchObject({ status: 429 })
  state.subject = null
  for (let n = 0; n < 5; n++) expect(await codeOf()).toBe('ok')
  expect(await codeOf()).toMatchObject({ status: 429 })
  state.address = '192.0.2.3'
  expect(await codeOf()).toBe('ok')
})

test('a request that is authorized twice counts once', async () => {
  const { codeOf } = createLimited(1)
  const request = new Request('http://localhost')
  for (let n = 0; n < 10; n++) expect(await codeOf(request)).toBe('ok')
})

test('without a rate nothing is refused', async () => {
  const { codeOf } = createLimited(0)
  for (let n = 0; n < 100; n++) expect(await codeOf()).toBe('ok')
})
