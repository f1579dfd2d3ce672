import { duration, integer } from './setting.ts'

/** How long data is kept. */
export const retentionSettings = {
  retention: duration('RETENTION', {
    shown: '7d',
    unit: 's, m, h or d',
    doc: 'How long events are kept, plus up to a quarter of that time; 0 keeps them forever.',
  }),
  retentionEvents: integer('RETENTION_EVENTS', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    fallback: 0,
    unit: 'events',
    doc: 'How many of the newest events are kept, plus up to one partition (one million events); 0 sets no limit.',
  }),
  retentionIntervalMs: integer('RETENTION_INTERVAL_MS', {
    min: 10,
    max: 86_400_000,
    fallback: 60_000,
    unit: 'ms',
    doc: 'Interval between checks for expired events, tasks, notifications and orders.',
  }),
  taskRetention: duration('TASK_RETENTION', {
    shown: '30d',
    unit: 's, m, h or d',
    doc: 'How long ended tasks are kept, with their files; 0 keeps them forever.',
  }),
  notificationRetention: duration('NOTIFICATION_RETENTION', {
    shown: '90d',
    unit: 's, m, h or d',
    doc: 'How long notifications are kept, read or not; 0 keeps them forever.',
  }),
  orderRetention: duration('ORDER_RETENTION', {
    shown: '0',
    unit: 's, m, h or d',
    doc: 'How long delivered and cancelled orders are kept after their last change; 0 keeps them forever.',
  }),
} as const
