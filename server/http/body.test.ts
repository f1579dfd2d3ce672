import { describe, expect, test } from 'bun:test'
import { AppError } from '../platform/errors.ts'
import { createBodies } from './body.ts'
import type { HeldRights } from './held-rights.ts'

const LIMITS = { maxBodyMemory: 1e6, maxBodies: 10, maxBodiesPerAddress: 0, bodyTimeoutMs: 10_000 }
const revoked = new AppError('token.revoked', 'It was revoked.', { status: 401 })

/** A reader of bodies whose requests lose their rights. */
function scene() {
  let isHeld = false
  let areOver = false
  const rights: HeldRights = {
    check: () => {
      if (areOver) throw revoked
    },
    release: () => {
      isHeld = false
    },
  }
  const bodies = createBodies(
    LIMITS,
    { bodyRefused: () => {} },
    () => 'address',
    () => {
      isHeld = true
      return rights
    },
  )
  const incoming = () => ({
    request: new Request('http://localhost/', { method: 'POST', body: '{}' }),
    server: null,
  })
  return {
    bodies,
    incoming,
    isHeld: () => isHeld,
    end: () => {
      areOver = true
    },
  }
}

describe('the rights of a request', () => {
  test('are held while its body is read, and are checked when all of it was', async () => {
    const { bodies, incoming, isHeld } = scene()
    expect(await bodies.read(incoming(), 100, () => isHeld())).toBe(true)
    expect(isHeld()).toBe(false)
  })

  test('may end while the body is parsed', async () => {
    const { bodies, incoming, isHeld, end } = scene()
    await expect(bodies.read(incoming(), 100, end)).rejects.toBe(revoked)
    expect(isHeld()).toBe(false)
  })

  test('may end with the last bytes of a file', async () => {
    const { bodies, incoming, isHeld, end } = scene()
    const read = async () => {
      for await (const _ of bodies.readFile(incoming(), 100)) end()
    }
    await expect(read()).rejects.toBe(revoked)
    expect(isHeld()).toBe(false)
  })
})

describe('a small body that announces its length', () => {
  /** A request whose body has begun to arrive, with its source. */
  function begun() {
    const { promise: source, resolve } = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('{"a":'))
        resolve(controller)
      },
    })
    const request = new Request('http://localhost/', { method: 'POST', body, headers: { 'content-length': '7' } })
    return { incoming: { request, server: null }, source }
  }

  test('is read as a whole, and takes its length from the budget until it is parsed', async () => {
    const { bodies } = scene()
    const { incoming, source } = begun()
    const read = bodies.read(incoming, 100, (bytes) => Buffer.from(bytes).toString())
    expect(bodies.budget.bytes).toBeGreaterThanOrEqual(7)
    const controller = await source
    controller.enqueue(Buffer.from('1}'))
    controller.close()
    expect(await read).toBe('{"a":1}')
    expect(bodies.budget.bytes).toBe(0)
  })

  test('is refused when the rights of its request end, without the rest of it', async () => {
    let end = (_: AppError) => {}
    const rights: HeldRights = { check: () => {}, release: () => {} }
    const bodies = createBodies(
      LIMITS,
      { bodyRefused: () => {} },
      () => 'address',
      (_, onEnd) => {
        end = onEnd
        return rights
      },
    )
    const read = bodies.read(begun().incoming, 100, () => 'parsed')
    end(revoked)
    await expect(read).rejects.toBe(revoked)
    expect(bodies.budget.count).toBe(0)
  })

  test('is aborted when the client leaves', async () => {
    const { bodies } = scene()
    const { incoming, source } = begun()
    const read = bodies.read(incoming, 100, () => 'parsed')
    ;(await source).error(new Error('the connection was closed'))
    await expect(read).rejects.toMatchObject({ code: 'body.aborted' })
  })
})
