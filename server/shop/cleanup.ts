import { expireDeletedKeys } from '../http/idempotency.ts'
import type { Outbox } from '../log/outbox.ts'
import { type Cleanup, createCleanup, type Sweep } from '../platform/cleanup.ts'
import type { Config } from '../platform/config.ts'
import type { Logger } from '../platform/logger.ts'
import { expireNotifications } from './notifications/expire.ts'
import { expireOrders } from './orders/expire.ts'
import { expireFiles, expireOwners, expireTasks, expireTotals } from './tasks/expire.ts'

/** What the cleanup needs. */
export interface ShopCleanupOptions {
  /** On connections for work in the background. */
  outbox: Outbox
  config: Pick<Config, 'taskRetention' | 'orderRetention' | 'notificationRetention' | 'retentionIntervalMs'>
  logger: Logger
}

/** Deletes expired rows of orders, tasks and notifications. */
export function createShopCleanup({ outbox, config, logger }: ShopCleanupOptions): Cleanup {
  /** A sweep of rows older than `age` milliseconds; none when `age` is 0, which keeps them forever. */
  const aged = (name: string, age: number, expire: (outbox: Outbox, before: Date) => Promise<number>): Sweep[] =>
    age === 0 ? [] : [{ name, run: () => expire(outbox, new Date(Date.now() - age)) }]
  return createCleanup({
    sweeps: [
      ...aged('tasks', config.taskRetention, expireTasks),
      ...aged('orders', config.orderRetention, expireOrders),
      ...aged('notifications', config.notificationRetention, expireNotifications),
      { name: 'files', run: () => expireFiles(outbox) },
      { name: 'report_totals', run: () => expireTotals(outbox) },
      { name: 'task_owners', run: () => expireOwners(outbox) },
      { name: 'deleted_keys', run: () => expireDeletedKeys(outbox) },
    ],
    interval: config.retentionIntervalMs,
    logger,
  })
}
