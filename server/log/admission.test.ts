import { expect, test } from 'bun:test'
import { Admission } from './admission.ts'

const overloaded = expect.objectContaining({ code: 'publish.overloaded', status: 503, retryAfter: 1 })

test('admission accepts requests up to its limit, and further ones when those are done', async () => {
  const admission = new Admission(2)
  const release = Promise.withResolvers<string>()
  const first = admission.handle(1, () => release.promise)
  const second = admission.handle(1, () => release.promise)
  await expect(admission.handle(1, async () => '')).rejects.toThrow(overloaded)
  expect(admission.requests).toBe(2)
  release.resolve('done')
  expect(await Promise.all([first, second])).toEqual(['done', 'done'])
  expect(await admission.handle(1, async () => 'later')).toBe('later')
})

test('admission frees the place of a request that fails', async () => {
  const admission = new Admission(1)
  await expect(admission.handle(1, () => Promise.reject(new Error('bad')))).rejects.toThrow('bad')
  expect(await admission.handle(1, async () => 'fine')).toBe('fine')
})

test('admission bounds the bytes of waiting requests, but accepts a single request of any size', async () => {
  const admission = new Admission(100)
  const release = Promise.withResolvers<void>()
  const large = admission.handle(2 ** 30, () => release.promise)
  await expect(admission.handle(1, async () => {})).rejects.toThrow(overloaded)
  release.resolve()
  await large
})
