import { expect, test } from 'bun:test'
import { createPrometheus, type Gauges } from './prometheus.ts'
import { createTotals } from './totals.ts'

/** Gauges that each have another value, so that no two can be confused. */
const gauges: Gauges = {
  connections: () => 1,
  indexSize: () => 2,
  indexLimit: () => 3,
  position: () => 4,
  isLogReachable: () => true,
  isListening: () => false,
  windowBytes: () => 5,
  windowEvents: () => 6,
  pendingPublishes: () => 7,
  openBodies: () => 8,
  openBodyBytes: () => 9,
  outboxAge: () => 1.5,
  notificationQueueUsage: () => 0.25,
  tasksRunning: () => 10,
}

/** The samples of a text in the format of Prometheus, without the resident memory. */
const samplesOf = (text: string) =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('resident_memory'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )

/** The series of closed streams. @param counts by transport and reason; the others are 0 */
const closedBySeries = (counts: Record<string, number>) =>
  Object.fromEntries(
    ['sse', 'websocket', 'poll'].flatMap((transport) =>
      ['client', 'replaced', 'stalled', 'shutdown', 'error', 'expired', 'revoked'].map((reason) => [
        `sse_update_connections_closed_total{transport="${transport}",reason="${reason}"}`,
        counts[`${transport} ${reason}`] ?? 0,
      ]),
    ),
  )

test('renders every gauge and every total under its name, with a series for each label from the start', async () => {
  const { telemetry, totals } = createTotals()
  telemetry.connectionOpened('sse')
  telemetry.connectionClosed('sse', 'stalled')
  telemetry.connectionOpened('poll')
  telemetry.delivered(20, 3000)
  telemetry.published(30)
  telemetry.lostEvents(40)
  telemetry.bodyRefused('too_many')
  telemetry.limitReached('streams_per_address')
  expect(samplesOf(await createPrometheus(totals, gauges).render())).toEqual({
    sse_update_connections: 1,
    'sse_update_connections_by_transport{transport="sse"}': 0,
    'sse_update_connections_by_transport{transport="websocket"}': 0,
    'sse_update_connections_by_transport{transport="poll"}': 1,
    'sse_update_connections_opened_total{transport="sse"}': 1,
    'sse_update_connections_opened_total{transport="websocket"}': 0,
    'sse_update_connections_opened_total{transport="poll"}': 1,
    ...closedBySeries({ 'sse stalled': 1 }),
    sse_update_delivered_events_total: 20,
    sse_update_delivered_bytes_total: 3000,
    sse_update_subscription_index_size: 2,
    sse_update_subscription_index_limit: 3,
    sse_update_position: 4,
    sse_update_log_reachable: 1,
    sse_update_lost_events_total: 40,
    sse_update_listening: 0,
    sse_update_window_bytes: 5,
    sse_update_window_events: 6,
    sse_update_published_events_total: 30,
    sse_update_pending_publishes: 7,
    sse_update_open_bodies: 8,
    sse_update_open_body_bytes: 9,
    'sse_update_bodies_refused_total{reason="too_slow"}': 0,
    'sse_update_bodies_refused_total{reason="too_many"}': 1,
    'sse_update_bodies_refused_total{reason="overloaded"}': 0,
    'sse_update_limits_reached_total{limit="streams_per_subject"}': 0,
    'sse_update_limits_reached_total{limit="streams_per_address"}': 1,
    'sse_update_limits_reached_total{limit="publish_rate"}': 0,
    'sse_update_limits_reached_total{limit="request_rate"}': 0,
    'sse_update_limits_reached_total{limit="pattern_rate"}': 0,
    'sse_update_limits_reached_total{limit="socket_messages"}': 0,
    'sse_update_limits_reached_total{limit="streams"}': 0,
    'sse_update_limits_reached_total{limit="tasks_per_owner"}': 0,
    'sse_update_limits_reached_total{limit="open_files"}': 0,
    sse_update_outbox_age_seconds: 1.5,
    sse_update_notification_queue_usage: 0.25,
    sse_update_tasks_running: 10,
  })
})

test('reads gauges and totals again at every scrape, and counts nothing twice', async () => {
  const { telemetry, totals } = createTotals()
  let connections = 5
  const prometheus = createPrometheus(totals, { ...gauges, connections: () => connections })
  telemetry.published(30)
  await prometheus.render()
  telemetry.published(1)
  connections = 6
  expect(samplesOf(await prometheus.render())).toMatchObject({
    sse_update_connections: 6,
    sse_update_published_events_total: 31,
  })
})

test('names its format in the content type', () => {
  expect(createPrometheus(createTotals().totals, gauges).contentType).toStartWith('text/plain; version=')
})
