import { type Accessor, createEffect, createSignal, on } from 'solid-js'
import type { Notification } from '../../../server/shop/notifications/schema.ts'
import { payloadOf, stream } from '../live/stream.ts'
import { createFollow } from '../sse/create-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { channelsOf } from './inbox.ts'

/** New notifications that are shown over every page. */
export interface Toasts {
  /** Oldest first. A toast is removed when it is dismissed, when it is read in any tab, and after a while. */
  toasts: Accessor<readonly Notification[]>
  dismissAll: () => void
}

/** Maximum number of toasts; the oldest beyond it are in the inbox only. */
const MAX_TOASTS = 99
/** Milliseconds after which a toast is removed. Its notification stays in the inbox. */
const TOAST_TIME = 8000

/** Notifications of a user as they arrive; after a reload, also those that arrived in the meantime. */
export function createToasts(person: Accessor<string>): Toasts {
  const [toasts, setToasts] = createSignal<readonly Notification[]>([])
  const dismiss = (...ids: number[]) => setToasts((all) => all.filter(({ id }) => !ids.includes(id)))
  /** Removes a toast, but not while the pointer or the focus is on it. */
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
  createFollow(stream, () => {
    const channels = channelsOf(person())
    return channels.length === 0 ? undefined : { channels, resume: `toasts of ${person()}`, onEvent }
  })
  return { toasts, dismissAll: () => setToasts([]) }
}
