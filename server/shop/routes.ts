import { Elysia } from 'elysia'
import { type NotificationRoutesOptions, notificationRoutes } from './notifications/routes.ts'
import { type OrderRoutesOptions, orderRoutes } from './orders/routes.ts'
import { type ImportRoutesOptions, importRoutes } from './tasks/import-routes.ts'
import { type TaskRoutesOptions, taskRoutes } from './tasks/routes.ts'

/** What the routes of the shop need. */
export interface ShopRoutesOptions
  extends OrderRoutesOptions,
    TaskRoutesOptions,
    ImportRoutesOptions,
    NotificationRoutesOptions {}

/** `/api/orders`, `/api/tasks` and `/api/notifications`. */
export const shopRoutes = (options: ShopRoutesOptions) =>
  new Elysia({ name: 'shop', normalize: false })
    .use(importRoutes(options))
    .use(orderRoutes(options))
    .use(taskRoutes(options))
    .use(notificationRoutes(options))

/** The type by which Eden clients are typed. */
export type ShopRoutes = ReturnType<typeof shopRoutes>
