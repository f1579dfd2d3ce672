import { type Accessor, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js'
import { readablePatterns } from '../live/access.ts'
import { showGap } from '../live/notice.ts'
import { stream } from '../live/stream.ts'
import { ALL_EVENTS } from '../log/filter.ts'
import { lookBack } from '../log/look-back.ts'
import { createFollow, createStreamState } from '../sse/create-stream.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { createEventMeter } from './event-meter.ts'

/** Points of a series, one for each second. */
const SECONDS = 90
/** Events in the list of the latest. */
const LATEST = 12

/** The activity of the whole log, updated every second. The three series have equally many points, oldest first. */
export interface Activity {
  /** Newest first, at most 12. */
  latest: Accessor<readonly StreamEvent[]>
  /** Seconds since the epoch. */
  times: Accessor<readonly number[]>
  /** Events per second; `null` when it is not known. */
  rates: Accessor<readonly (number | null)[]>
  /** Milliseconds; `null` when it is not known. */
  latencies: Accessor<readonly (number | null)[]>
}

/** Follows all channels that the user may read, for as long as the component that creates it is shown. */
export function createActivity(): Activity {
  const [latest, setLatest] = createSignal<readonly StreamEvent[]>([])
  const [times, setTimes] = createSignal<readonly number[]>([])
  const [rates, setRates] = createSignal<readonly (number | null)[]>([])
  const [latencies, setLatencies] = createSignal<readonly (number | null)[]>([])
  const meter = createEventMeter()
  const isWatching = createIsWatching()
  createEffect(on(isWatching, (isNow) => meter.watch(isNow, Date.now())))
  let arrived: StreamEvent[] = []
  followAll(setLatest, (event) => {
    meter.add(event.time, Date.now())
    arrived.push(event)
    if (arrived.length > LATEST) arrived.shift()
  })
  const keep = <T>(before: readonly T[], value: T) => [...before, value].slice(-SECONDS)
  const tick = () => {
    const now = Date.now()
    const { rate, latency } = meter.tick(now)
    setTimes((before) => keep(before, Math.floor(now / 1000)))
    setRates((before) => keep(before, rate))
    setLatencies((before) => keep(before, latency))
    if (arrived.length === 0) return
    const newest = arrived.reverse()
    arrived = []
    setLatest((before) => [...newest, ...before].slice(0, LATEST))
  }
  const timer = setInterval(tick, 1000)
  onCleanup(() => clearInterval(timer))
  return { latest, times, rates, latencies }
}

/** Whether the page is visible and its stream is live. */
function createIsWatching(): Accessor<boolean> {
  const state = createStreamState(stream)
  const [isHidden, setIsHidden] = createSignal(document.hidden)
  const onVisibility = () => setIsHidden(document.hidden)
  document.addEventListener('visibilitychange', onVisibility)
  onCleanup(() => document.removeEventListener('visibilitychange', onVisibility))
  return createMemo(() => state().name === 'live' && !isHidden())
}

/** Reads the latest events, then follows the stream from there; from now on, when the log cannot be read. */
function followAll(onLatest: (events: readonly StreamEvent[]) => void, onEvent: (event: StreamEvent) => void): void {
  const [start, setStart] = createSignal<{ after: number | undefined }>()
  lookBack(ALL_EVENTS, undefined, LATEST).then(
    ({ events, head }) => {
      onLatest(events)
      setStart({ after: head })
    },
    () => setStart({ after: undefined }),
  )
  createFollow(stream, () => {
    const from = start()
    const channels = readablePatterns()
    if (!from || channels.length === 0) return undefined
    return { channels, after: from.after, pauseWhenHidden: true, onGap: showGap, onEvent }
  })
}
