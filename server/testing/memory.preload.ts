// Preloaded into the process of a server: on SIGUSR2 it collects garbage and reports what is left on standard error.

import { heapStats } from 'bun:jsc'

process.on('SIGUSR2', () => {
  Bun.gc(true)
  const { heapSize, objectCount } = heapStats()
  const report = { rss: process.memoryUsage.rss(), heapSize, objectCount }
  process.stderr.write(`memory ${JSON.stringify(report)}\n`)
})
