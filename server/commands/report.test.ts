import { expect, test } from 'bun:test'
import type { Report } from '../verification/verification.ts'
import { reportTable } from './report.ts'

const REPORT: Report = {
  seed: 1_234_567,
  transport: 'mixed',
  published: 1000,
  acknowledged: 999,
  delivered: 12_000,
  missing: 1,
  duplicated: 2,
  reordered: 3,
  foreign: 4,
  misplaced: 5,
  gaps: 6,
  reconnects: 7,
  retries: 8,
  traffic: 2_400_000,
  elapsed: 2000,
  latency: { p50: 1.25, p99: 20, max: 300.04 },
  isClean: true,
}

test('a report is a row a figure: counts with separators, times in milliseconds, the seed as it is given', () => {
  const rows = reportTable(REPORT).split('\n')
  const cells = Object.fromEntries(rows.map((row) => row.split(/ {2,}|(?<=\S{15}) /)))
  expect(cells).toMatchObject({
    transport: 'mixed',
    published: '1,000',
    delivered: '12,000',
    'deliveries/s': '6,000',
    duplicated: '2',
    foreign: '4 (of channels that the stream does not follow)',
    misplaced: '5 (at two different positions)',
    'gaps announced': '6',
    'bytes/delivery': '200 (sent and received by the streams)',
    'latency p50': '1.3 ms',
    'latency max': '300.0 ms',
    seed: '1234567',
  })
})

test('a report ends with the verdict', () => {
  expect(reportTable(REPORT)).toEndWith('\nThe ledger is clean.')
  expect(reportTable({ ...REPORT, isClean: false })).toEndWith('\nThe ledger is NOT clean.')
})
