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
