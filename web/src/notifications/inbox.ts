import { type Accessor, createContext, createMemo, createSignal, on, useContext } from 'solid-js'
import type { Notification } from '../../../server/shop/notifications/schema.ts'
import { canRead } from '../live/access.ts'
import { api, ask } from '../live/api.ts'
import { type Collection, createCollection, type Effect } from '../live/create-collection.ts'
import { user } from '../live/identity.ts'
import { showNotice } from '../live/notice.ts'
import { payloadOf } from '../live/stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'

/** The notifications of the user, shared by all parts of the page. */
export interface Inbox {
  collection: Accessor<Collection<Notification>>
  /** Number of unread notifications, including those that are not loaded. */
  unread: Accessor<number>
  /** Marks a notification as read; an error is shown to the user. */
  read: (id: number) => Promise<void>
  /** Marks all notifications as read; an error is shown to the user. */
  readAll: () => Promise<void>
}

const LIMIT = 200

/** The channels of a user's notifications, as far as they may be read. */
export const channelsOf = (person: string) => [`notifications.${person}`, 'broadcast'].filter(canRead)

/** Provides the inbox to all components of the page. */
export const InboxContext = createContext<Inbox>()

/** The inbox of the page. @throws {Error} outside `InboxContext.Provider` */
export function useInbox(): Inbox {
  const inbox = useContext(InboxContext)
  if (!inbox) throw new Error('useInbox is called outside InboxContext.Provider')
  return inbox
}

/** The inbox of the current user; it is loaded again when the user changes. */
export function createInbox(): Inbox {
  const [beyond, setBeyond] = createSignal(0)
  const open = (person: string) =>
    createCollection<Notification>({
      load: async () => {
        const { notifications, unread, cursor, next } = await ask(api.notifications.get({ query: { limit: LIMIT } }))
        const beyond = unread - countUnread(notifications)
        return { rows: notifications, cursor, isPartial: next !== null, onTaken: () => setBeyond(beyond) }
      },
      max: () => LIMIT,
      onDropped: (rows) => setBeyond((before) => before + countUnread(rows)),
      channels: channelsOf(person),
      effectOf,
    })
  const collection = createMemo(on(user, open))
  return {
    collection,
    unread: () =>
      beyond() +
      collection()
        .ids()
        .filter((id) => collection().rows[id]?.readAt === null).length,
    read: (id) => attempt(async () => collection().put(await ask(api.notifications({ id }).read.post()))),
    readAll: () =>
      attempt(async () => {
        await ask(api.notifications.read.post({}))
        collection().reload()
      }),
  }
}

/** Carries out an action of the user; shows the error when it fails. */
async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    showNotice((error as Error).message)
  }
}

const countUnread = (rows: readonly Notification[]) => rows.filter(({ readAt }) => readAt === null).length

function effectOf(event: StreamEvent): Effect<Notification> | undefined {
  const { notification, ids, readAt, version } = payloadOf(event, 'notification')
  if (notification) return { put: notification }
  if (ids && readAt && version) return { patch: { ids, change: { readAt, version } } }
  return undefined
}
