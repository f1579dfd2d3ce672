import { expect, test } from 'bun:test'
import { AcceptGate } from './accept-gate.ts'

function createGate(limit = 1000) {
  const seen: string[] = []
  const state = { open: 0, isPortTaken: false }
  const gate = new AcceptGate({
    count: () => ({ open: state.open, limit }),
    reserve: () => 100,
    pause: () => seen.push('pause'),
    resume() {
      if (state.isPortTaken) throw new Error('EADDRINUSE')
      seen.push('resume')
    },
    telemetry: { limitReached: (name) => seen.push(name) },
    logger: { warn: () => seen.push('warning'), error: () => seen.push('error') },
  })
  const at = (open: number) => {
    seen.length = 0
    state.open = open
    gate.check()
    return [...seen]
  }
  return { at, state }
}

test('connections are refused while few descriptors are left, and accepted when enough are free again', () => {
  const { at } = createGate()
  expect(at(950)).toEqual([])
  expect(at(961)).toEqual(['pause', 'open_files', 'warning'])
  expect(at(999)).toEqual([])
  expect(at(955)).toEqual([])
  expect(at(949)).toEqual(['resume'])
  expect(at(949)).toEqual([])
  expect(at(990)).toEqual(['pause', 'open_files', 'warning'])
})

test('accepting again is tried until the port is free', () => {
  const { at, state } = createGate()
  at(999)
  state.isPortTaken = true
  expect(at(0)).toEqual(['error'])
  state.isPortTaken = false
  expect(at(0)).toEqual(['resume'])
})

test('without a limit nothing is refused', () => {
  const { at } = createGate(Number.POSITIVE_INFINITY)
  expect(at(10_000_000)).toEqual([])
})
