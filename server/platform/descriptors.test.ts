import { expect, test } from 'bun:test'
import { closeSync, openSync } from 'node:fs'
import { createDescriptorCount, fitToDescriptors, streamsWithin } from './descriptors.ts'

const fit = (maxConnections: number, limit: number) => fitToDescriptors({ maxConnections, databasePool: 12 }, limit)

test('an instance accepts no more streams than it may have open files, less a tenth and the connections to Postgres', () => {
  const warning = expect.stringContaining('it accepts 17988 streams')
  expect(fit(50_000, 20_000)).toEqual({ maxConnections: 17_988, warning })
  expect(fit(17_988, 20_000)).toEqual({ maxConnections: 17_988, warning: undefined })
  expect(fit(50_000, 1_048_576)).toEqual({ maxConnections: 50_000, warning: undefined })
  expect(fit(50_000, Number.POSITIVE_INFINITY)).toEqual({ maxConnections: 50_000, warning: undefined })
})

test('a small limit leaves room for requests', () => {
  expect(streamsWithin(256, 12)).toBe(180)
  expect(streamsWithin(50, 12)).toBe(1)
})

test.skipIf(process.platform !== 'linux')('open files are counted', () => {
  const count = createDescriptorCount()
  const { open = 0, limit = 0 } = count?.() ?? {}
  const files = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'))
  expect(count?.().open).toBe(open + 10)
  for (const file of files) closeSync(file)
  expect(count?.().open).toBe(open)
  expect(limit).toBeGreaterThan(open)
})
