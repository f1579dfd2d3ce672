import { beforeEach, expect, test } from 'bun:test'
import type { Logger } from '../platform/logger.ts'
import { SILENT } from '../telemetry/telemetry.ts'
import { LostEvents } from './lost-events.ts'

const lines: object[] = []
const logger = { error: (fields: object) => lines.push(fields) } as unknown as Logger
let lost: LostEvents
let total: number
beforeEach(() => {
  lines.length = 0
  total = 0
  lost = new LostEvents(logger, {
    ...SILENT,
    lostEvents: (count) => {
      total += count
    },
  })
})

const PROBLEM = (count: number, from: number) =>
  `${count} events are missing from sse.log, from position ${from} on; rows were deleted`

test('without a hole there is no problem', () => {
  expect([total, lost.problem]).toEqual([0, undefined])
})

test('a hole counts its positions, and is logged with the total', () => {
  lost.add({ from: 4, to: 7 })
  expect([total, lost.problem]).toEqual([3, PROBLEM(3, 5)])
  expect(lines).toEqual([{ from: 4, to: 7, total: 3 }])
})

test('a hole that several readers come across counts once', () => {
  for (let times = 0; times < 3; times++) lost.add({ from: 4, to: 7 })
  lost.add({ from: 5, to: 6 })
  expect([total, lost.problem]).toEqual([3, PROBLEM(3, 5)])
})

test('the parts of holes that overlap or touch count once', () => {
  lost.add({ from: 4, to: 7 })
  lost.add({ from: 6, to: 9 })
  lost.add({ from: 9, to: 10 })
  lost.add({ from: 2, to: 4 })
  expect([total, lost.problem]).toEqual([8, PROBLEM(8, 3)])
})

test('a hole that joins two others counts what lies between them', () => {
  lost.add({ from: 2, to: 4 })
  lost.add({ from: 8, to: 9 })
  lost.add({ from: 3, to: 8 })
  expect([total, lost.problem]).toEqual([7, PROBLEM(7, 3)])
})

test('holes apart from each other are added up, from the first position on, in whatever order they come', () => {
  lost.add({ from: 20, to: 21 })
  lost.add({ from: 4, to: 6 })
  expect([total, lost.problem]).toEqual([3, PROBLEM(3, 5)])
})

test('a hole is forgotten when retention has passed it, and stays in the total', () => {
  lost.add({ from: 4, to: 7 })
  lost.add({ from: 20, to: 21 })
  lost.forget(7)
  expect(lost.problem).toBe(PROBLEM(4, 5))
  lost.forget(8)
  expect(lost.problem).toBe(PROBLEM(1, 21))
  lost.forget(22)
  expect([total, lost.problem]).toEqual([4, undefined])
})

test('many holes in a short time are logged once', () => {
  for (let from = 0; from < 100; from += 10) lost.add({ from, to: from + 1 })
  expect([total, lines.length]).toEqual([10, 1])
})

test('beyond a thousand holes a further one is not counted, but one that touches a known one is', () => {
  for (let index = 0; index < 1001; index++) lost.add({ from: 10 * index, to: 10 * index + 1 })
  expect(total).toBe(1000)
  lost.add({ from: 1, to: 2 })
  expect([total, lost.problem]).toEqual([1001, PROBLEM(1001, 1)])
})
