import { expect, test } from 'bun:test'
import { advance, settle, useFakeTime } from '../testing/fake-time.ts'
import { RefusalDelay } from './refusal-delay.ts'

useFakeTime()

const forever = new AbortController().signal

/** Counts a refusal. @returns whether its response was sent, at any time */
function refuse(refusals: RefusalDelay, address = '10.0.0.1', signal = forever) {
  const response = { isSent: false }
  void refusals.refused(address, signal).then(() => {
    response.isSent = true
  })
  return response
}

/** Milliseconds until the response to a refusal is sent, to 50 ms. */
async function delayOf(refusals: RefusalDelay, address?: string): Promise<number> {
  const response = refuse(refusals, address)
  await settle()
  let waited = 0
  for (; !response.isSent; waited += 50) await advance(50)
  return waited
}

test('refusals of an address are delayed more and more, up to a bound', async () => {
  const refusals = new RefusalDelay()
  const delays: number[] = []
  for (let count = 0; count < 9; count++) delays.push(await delayOf(refusals))
  expect(delays).toEqual([0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000])
})

test('an address is not delayed for another one, and begins again after a quiet minute', async () => {
  const refusals = new RefusalDelay()
  for (let count = 0; count < 5; count++) await delayOf(refusals)
  expect(await delayOf(refusals, '10.0.0.2')).toBe(0)
  await advance(50_000)
  expect(await delayOf(refusals)).toBe(2000)
  await advance(60_000)
  expect(await delayOf(refusals)).toBe(0)
})

test('a client that disconnects is not waited for', async () => {
  const refusals = new RefusalDelay()
  for (let count = 0; count < 4; count++) await delayOf(refusals)
  const abort = new AbortController()
  const response = refuse(refusals, '10.0.0.1', abort.signal)
  await settle()
  expect([response.isSent, refusals.delayed]).toEqual([false, 1])
  abort.abort()
  await settle()
  expect([response.isSent, refusals.delayed]).toEqual([true, 0])
})

test('a bounded number of responses is delayed at once', async () => {
  const refusals = new RefusalDelay()
  const responses = Array.from({ length: 1500 }, () => refuse(refusals))
  await settle()
  expect(refusals.delayed).toBe(1000)
  expect(responses.filter(({ isSent }) => isSent)).toHaveLength(500)
  await advance(10_000)
  expect(refusals.delayed).toBe(0)
  expect(responses.every(({ isSent }) => isSent)).toBe(true)
})

test('repetitions of one request are delayed, and other requests of the address are not', async () => {
  const refusals = new RefusalDelay()
  const isSentAtOnce = async (request: string) => {
    let isSent = false
    void refusals.unopened('10.0.0.1', request, forever).then(() => {
      isSent = true
    })
    await settle()
    return isSent
  }
  const sent: boolean[] = []
  for (let count = 0; count < 12; count++) sent.push(await isSentAtOnce('/events?channel=a'))
  expect(sent).toEqual([...Array(10).fill(true), false, false])
  expect(await isSentAtOnce('/events?channel=b')).toBeTrue()
  expect(await delayOf(refusals)).toBe(0)
})
