import { expect, test } from 'bun:test'
import { AppError } from '../../platform/errors.ts'
import type { Limit } from '../../telemetry/telemetry.ts'
import { createPublishRate } from './publish-rate.ts'

function setup(rate: number) {
  const reached: Limit[] = []
  return { reached, ...createPublishRate(rate, { limitReached: (limit) => reached.push(limit) }) }
}

function refusal(take: () => unknown): AppError {
  try {
    take()
  } catch (error) {
    if (error instanceof AppError) return error
  }
  throw new Error('nothing was refused')
}

test('a sender may publish a full batch at once, and then no more than the rate', () => {
  const { take, reached } = setup(1)
  expect(take('alice', 999)).toEqual({
    'ratelimit-policy': '"publish";q=1000;w=1000',
    ratelimit: '"publish";r=1;t=999',
  })
  const error = refusal(() => take('alice', 11))
  expect([error.status, error.code, error.retryAfter]).toEqual([429, 'publish.too_fast', 10])
  expect(error.headers.ratelimit).toMatch(/^"publish";r=1;t=999$/)
  expect(reached).toEqual(['publish_rate'])
})

test('each sender has a share of its own', () => {
  const { take } = setup(1)
  take('alice', 1000)
  expect(refusal(() => take('alice', 1)).retryAfter).toBe(1)
  expect(() => take('bob', 1000)).not.toThrow()
})

test('a rate above the size of a batch allows one second at once', () => {
  const { take } = setup(5000)
  expect(take('alice', 5000)['ratelimit-policy']).toBe('"publish";q=5000;w=1')
})

test('without a rate there is no limit, and no field', () => {
  const { take } = setup(0)
  for (let index = 0; index < 10; index++) expect(take('alice', 1000)).toEqual({})
})
