import { type Accessor, createSignal, onCleanup } from 'solid-js'
import { api, ask, failWith } from '../live/api.ts'
import { userHeaders } from '../live/identity.ts'
import type { Fields } from '../ui/form-fields.ts'
import { formatNumber } from '../ui/format.ts'
import type { Addresses } from './addresses.ts'
import type { Figures } from './figures.ts'
import { LabSession } from './lab-session.ts'
import type { LabStream } from './lab-stream.ts'

/** Milliseconds between two readings of the figures. */
const FIGURES_INTERVAL = 400

/** A fault that the server causes. */
export type ServerFault = 'disconnect-streams' | 'kill-listeners'

/** The lab as the page shows it. */
export interface Lab {
  /** Channel of the numbered events. */
  channel: string
  figures: Accessor<Figures>
  /** The outcome of the last action; empty before the first. */
  message: Accessor<string>
  /** Whether the streams do not read. */
  isStalled: Accessor<boolean>
  /** Whether the streams have no network. */
  isOffline: Accessor<boolean>
  /** Opens streams as a form says: `count`, `channels`, `cursor`, `instance` (a port); none when the server refuses the channels. */
  open: (fields: Fields) => Promise<void>
  closeAll: () => void
  /** Publishes as many events as a form says: `events`. */
  burst: (fields: Fields) => Promise<void>
  /** Breaks connections. @param share of the streams. Defaults to all */
  drop: (share?: number) => void
  reconnect: () => void
  setStalled: (isStalled: boolean) => void
  setOffline: (isOffline: boolean) => void
  /** Makes the server cause a fault. */
  cause: (fault: ServerFault) => Promise<void>
  resetLatencies: () => void
}

/** Creates a lab whose streams are closed with its owner. */
export function createLab(addresses: Accessor<Addresses>): Lab {
  const session = new LabSession(addresses)
  const [figures, setFigures] = createSignal(session.figures())
  const [message, setMessage] = createSignal('')
  const [isStalled, setIsStalled] = createSignal(false)
  const [isOffline, setIsOffline] = createSignal(false)
  const timer = setInterval(() => setFigures(session.figures()), FIGURES_INTERVAL)
  onCleanup(() => {
    clearInterval(timer)
    session.closeAll()
  })
  const applySwitches = (stream: LabStream) => {
    if (isStalled()) stream.setStalled(true)
    if (isOffline()) stream.setOffline(true)
  }
  /** Shows the outcome of an action, or why it failed. */
  const report = async (action: () => Promise<string>) => {
    try {
      setMessage(await action())
    } catch (error) {
      setMessage((error as Error).message)
    }
  }
  return {
    channel: session.channel,
    figures,
    message,
    isStalled,
    isOffline,
    open(field) {
      const wanted = Number(field('count'))
      const channels = field('channels')
        .split(/[\s,]+/)
        .filter(Boolean)
      const cursor = field('cursor')
      const port = field('instance') || undefined
      return report(async () => {
        await checkChannels(channels)
        const opened = session.open({ count: wanted, channels, cursor, port })
        session.each(applySwitches)
        setFigures(session.figures())
        return openedMessage(opened, wanted, addresses().limit)
      })
    },
    closeAll: () => session.closeAll(),
    burst(field) {
      const count = Number(field('events'))
      setMessage(`Publishing ${formatNumber(count)} events …`)
      return report(async () => {
        await session.burst(count)
        return `${formatNumber(count)} events were published, and are durable.`
      })
    },
    drop: (share) => session.each((stream) => stream.drop(), share),
    reconnect: () => session.each((stream) => stream.reconnect()),
    setStalled(value) {
      setIsStalled(value)
      session.each((stream) => stream.setStalled(value))
    },
    setOffline(value) {
      setIsOffline(value)
      session.each((stream) => stream.setOffline(value))
    },
    cause: (fault) =>
      report(async () => {
        const { affected } = await ask(api.lab.faults.post({ fault }))
        return `${affected} ${fault === 'kill-listeners' ? 'listening connections' : 'streams'} were ended.`
      }),
    resetLatencies: () => session.resetLatencies(),
  }
}

/** Asks for a page of history: unlike an event stream, it says why channels are refused. @throws {ApiError} */
async function checkChannels(channels: readonly string[]): Promise<void> {
  const query = new URLSearchParams([...channels.map((channel) => ['channel', channel]), ['limit', '1']])
  const response = await fetch(`/events?${query}`, { headers: { accept: 'application/json', ...userHeaders() } })
  if (!response.ok) await failWith(response)
}

/** @param limit the most that this browser can open */
const openedMessage = (opened: number, wanted: number, limit: number): string =>
  opened < wanted ? `${opened} were opened: this browser can open ${limit} here.` : `${opened} streams were opened.`
