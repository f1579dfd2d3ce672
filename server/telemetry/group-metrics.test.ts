import { expect, test } from 'bun:test'
import { createGroupMetrics } from './group-metrics.ts'
import { createPrometheus, type Gauges } from './prometheus.ts'
import { createTotals } from './totals.ts'

const GAUGES: Gauges = {
  connections: () => 7,
  indexSize: () => 0,
  indexLimit: () => 0,
  position: () => 0,
  isLogReachable: () => true,
  isListening: () => true,
  windowBytes: () => 0,
  windowEvents: () => 0,
  pendingPublishes: () => 0,
  openBodies: () => 0,
  openBodyBytes: () => 0,
  outboxAge: () => 0,
  notificationQueueUsage: () => 0,
  tasksRunning: () => 0,
}

/** A process of a group, which has published some events. */
function createProcess(number: number, published: number) {
  const { telemetry, totals } = createTotals()
  telemetry.published(published)
  return createPrometheus(totals, GAUGES, number)
}

/** Lines of a metric, its help and type included. */
const linesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => new RegExp(`sse_update_${name}\\b`).test(line))

test('one scrape has the series of all processes, each with its number, under one help text', async () => {
  const [own, other] = [createProcess(1, 30), createProcess(2, 5)]
  let provided: (() => Promise<unknown>) | undefined
  const metrics = createGroupMetrics(own, {
    provide: (report) => {
      provided = report
    },
    // As they arrive over the channel between the processes.
    collect: async () => ({
      reports: JSON.parse(JSON.stringify([await provided?.(), await other.collect()])),
      restarts: 4,
    }),
  })
  const text = await metrics.render()
  expect(linesOf(text, 'published_events_total')).toEqual([
    '# HELP sse_update_published_events_total Events published over HTTP',
    '# TYPE sse_update_published_events_total counter',
    'sse_update_published_events_total{process="1"} 30',
    'sse_update_published_events_total{process="2"} 5',
  ])
  expect(linesOf(text, 'processes').at(-1)).toBe('sse_update_processes 2')
  expect(linesOf(text, 'process_restarts_total').at(-1)).toBe('sse_update_process_restarts_total 4')
  expect(metrics.contentType).toBe(own.contentType)
})

test('a process whose supervisor does not respond reports itself alone', async () => {
  const metrics = createGroupMetrics(createProcess(3, 1), { provide() {}, collect: async () => undefined })
  expect(linesOf(await metrics.render(), 'connections').at(-1)).toBe('sse_update_connections{process="3"} 7')
})
