import { type Accessor, createContext, createMemo, createSignal, on, useContext } from 'solid-js'
import type { Notification } from '../../../server/notifications/schema.ts'
import { api, ask } from '../live/api.ts'
import { type Collection, createCollection, type Effect } from '../live/create-collection.ts'
import { user } from '../live/identity.ts'
import { payloadOf } from '../live/stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'

/** Notifications of a person, everywhere on the page. */
export interface Inbox {
  collection: Accessor<Collection<Notification>>
  /** How many are not read. */
  unread: Accessor<number>
  /** What came since the page was opened, newest last, until it is dismissed. */
  toasts: Accessor<readonly Notification[]>
  dismiss: (id: number) => void
  read: (id: number) => Promise<void>
  readAll: () => Promise<void>
}

const LIMIT = 200
const MAX_TOASTS = 3
/** Milliseconds after which a toast goes by itself: it stays in the inbox. */
const TOAST_TIME = 8000

export const InboxContext = createContext<Inbox>()

export function useInbox(): Inbox {
  const inbox = useContext(InboxContext)
  if (!inbox) throw new Error('there is no inbox around')
  return inbox
}

export function createInbox(): Inbox {
  const [toasts, setToasts] = createSignal<readonly Notification[]>([])
  const [beyond, setBeyond] = createSignal(0)
  const dismiss = (id: number) => setToasts((all) => all.filter((toast) => toast.id !== id))
  /** Not under somebody's pointer or focus. */
  const expire = (id: number) => {
    if (document.querySelector('.toasts:hover, .toasts:focus-within')) setTimeout(() => expire(id), TOAST_TIME / 4)
    else dismiss(id)
  }
  const open = (person: string) => {
    const collection = createCollection<Notification>({
      load: async () => {
        const { notifications, unread, cursor } = await ask(api.notifications.get({ query: { limit: LIMIT } }))
        const here = notifications.filter(({ readAt }) => readAt === null).length
        return { rows: notifications, cursor, onTaken: () => setBeyond(unread - here) }
      },
      channels: [`notifications.${person}`, 'broadcast'],
      effectOf,
    })
    collection.onArrival((_, notification) => {
      setToasts((all) => [...all, notification].slice(-MAX_TOASTS))
      setTimeout(() => expire(notification.id), TOAST_TIME)
    })
    return collection
  }
  const collection = createMemo(
    on(user, (person) => {
      setToasts([])
      return open(person)
    }),
  )
  return {
    collection,
    unread: () =>
      beyond() +
      collection()
        .ids()
        .filter((id) => collection().rows[id]?.readAt === null).length,
    toasts,
    dismiss,
    async read(id) {
      collection().put(await ask(api.notifications({ id }).read.post()))
      dismiss(id)
    },
    async readAll() {
      await ask(api.notifications.read.post({}))
      setToasts([])
      collection().reload()
    },
  }
}

function effectOf(event: StreamEvent): Effect<Notification> | undefined {
  const { notification, ids, readAt, version } = payloadOf(event, 'notification')
  if (notification) return { put: notification }
  // Of many, some may be older than those that are here: the count of all is read anew.
  if (ids && readAt && version) return { patch: { ids, change: { readAt, version } }, reload: ids.length > 1 }
  return undefined
}
