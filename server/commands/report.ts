import type { Report } from '../verification/verification.ts'

/** A report of `verify` or `bench` as a table for a terminal. */
export function reportTable(report: Report): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const rows: [string, string | number][] = [
    ['published', report.published],
    ['acknowledged', report.acknowledged],
    ['delivered', report.delivered],
    ['deliveries/s', Math.round(report.delivered / (report.elapsed / 1000))],
    ['missing', report.missing],
    ['doubled', report.doubled],
    ['reordered', report.reordered],
    ['foreign', report.foreign],
    ['misplaced', report.misplaced],
    ['gaps announced', report.gaps],
    ['reconnects', report.reconnects],
    ['publish retries', report.retries],
    ['latency p50', ms(report.latency.p50)],
    ['latency p99', ms(report.latency.p99)],
    ['latency max', ms(report.latency.max)],
    ['seed', report.seed],
  ]
  const lines = rows.map(
    ([name, value]) =>
      `${name.padEnd(16)} ${typeof value === 'number' && name !== 'seed' ? value.toLocaleString('en') : value}`,
  )
  return [...lines, report.isClean ? 'The ledger is clean.' : 'The ledger is NOT clean.'].join('\n')
}
