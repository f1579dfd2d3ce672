import { type Accessor, createEffect, createSignal, on } from 'solid-js'
import type { Notification } from '../../../server/shop/notifications/schema.ts'
import { payloadOf, stream } from '../live/stream.ts'
import { createFollow } from '../sse/create-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { channelsOf } from './inbox.ts'

export interface Toasts {
  /** Newest last, until they are dismissed, are read (in any tab), or have been seen for a while. */
  toasts: Accessor<readonly Notification[]>
  dismissAll: () => void
}

/** Beyond, the oldest are in the inbox only. */
const MAX_TOASTS = 99
/** Milliseconds after which a toast goes by itself: it stays in the inbox. */
const TOAST_TIME = 8000

/** Notifications of a person as they come; after a reload, those too that came meanwhile. */
export function createToasts(person: Accessor<string>): Toasts {
  const [toasts, setToasts] = createSignal<readonly Notification[]>([])
  const dismiss = (...ids: number[]) => setToasts((all) => all.filter(({ id }) => !ids.includes(id)))
  /** Not under somebody's pointer or focus. */
  const expire = (id: number) => {
    if (document.querySelector('.toasts:hover, .toasts:focus-within')) setTimeout(() => expire(id), TOAST_TIME / 4)
    else dismiss(id)
  }
  const onEvent = (event: StreamEvent) => {
    const { notification, ids } = payloadOf(event, 'notification')
    if (ids) dismiss(...ids)
    if (!notification) return
    setToasts((all) => [...all, notification].slice(-MAX_TOASTS))
    setTimeout(() => expire(notification.id), TOAST_TIME)
  }
  createEffect(on(person, () => setToasts([])))
  createFollow(stream, () => ({ channels: channelsOf(person()), resume: `toasts of ${person()}`, onEvent }))
  return { toasts, dismissAll: () => setToasts([]) }
}
