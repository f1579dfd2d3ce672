import type { NotificationSent, NotificationsRead } from '../../../server/shop/notifications/events.ts'
import type { OrderChange } from '../../../server/shop/orders/events.ts'
import type { TaskChange } from '../../../server/shop/tasks/events.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { SharedStream } from '../sse/shared-stream.ts'

/** The connection of all tabs of this browser. */
export const stream = new SharedStream()

/** What the application's events carry, by the first word of their type. */
interface Payloads {
  order: OrderChange
  task: TaskChange
  notification: NotificationSent & NotificationsRead
}

/** The data of an event whose type begins with `kind`; an empty object for other events. */
export function payloadOf<K extends keyof Payloads>(event: StreamEvent, kind: K): Partial<Payloads[K]> {
  return (event.type.startsWith(`${kind}.`) ? event.data : {}) as Partial<Payloads[K]>
}
