import type { Report } from '../verification/verification.ts'

/** A report of `verify` or `bench` as a table for a terminal. */
export function reportTable(report: Report): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const rows: [name: string, value: string | number, meaning?: string][] = [
    ['transport', report.transport],
    ['published', report.published],
    ['acknowledged', report.acknowledged],
    ['delivered', report.delivered],
    ['deliveries/s', Math.round(report.delivered / (report.elapsed / 1000))],
    ['missing', report.missing],
    ['duplicated', report.duplicated],
    ['reordered', report.reordered],
    ['foreign', report.foreign, 'of channels that the stream does not follow'],
    ['misplaced', report.misplaced, 'at two different positions'],
    ['gaps announced', report.gaps],
    ['reconnects', report.reconnects],
    ['publish retries', report.retries],
    ['bytes/delivery', Math.round(report.traffic / Math.max(1, report.delivered)), 'sent and received by the streams'],
    ['latency p50', ms(report.latency.p50)],
    ['latency p99', ms(report.latency.p99)],
    ['latency max', ms(report.latency.max)],
    ['seed', report.seed],
  ]
  const lines = rows.map(([name, value, meaning]) => {
    const shown = typeof value === 'number' && name !== 'seed' ? value.toLocaleString('en') : value
    return `${name.padEnd(16)} ${shown}${meaning ? ` (${meaning})` : ''}`
  })
  return [...lines, report.isClean ? 'The ledger is clean.' : 'The ledger is NOT clean.'].join('\n')
}
