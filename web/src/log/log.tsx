import { createEffect, createSignal, type JSX, on, Show } from 'solid-js'
import { createBuffer } from '../live/create-buffer.ts'
import { showGap } from '../live/notice.ts'
import { stream } from '../live/stream.ts'
import { createFollow } from '../sse/create-stream.ts'
import type { Cursor } from '../sse/cursor.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { createHold } from '../ui/create-hold.ts'
import { formatNumber, formatTime } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import { EventDetail } from './event-detail.tsx'
import { type Filter, lookBack } from './look-back.ts'

const ROW_HEIGHT = 34
/** Events that are kept on the page: the oldest go when more come. */
const MAX_EVENTS = 100_000
/** Events that wait at most while somebody is about to open one. */
const MAX_WAITING = 10_000

/** The log: what was published, newest first, and what is being published. */
export default function Log(): JSX.Element {
  const [filter, setFilter] = createSignal<Filter>({ channel: '>', type: '', since: '', until: '' })
  // Oldest first, and changed in place: to copy 100,000 for each frame would cost frames.
  const events: StreamEvent[] = []
  const [count, setCount] = createSignal(0)
  const [changes, setChanges] = createSignal(0)
  const [state, setState] = createSignal<'loading' | 'ready' | 'failed'>('loading')
  const [problem, setProblem] = createSignal('')
  const [cursor, setCursor] = createSignal<Cursor | 'end'>()
  const [after, setAfter] = createSignal<number>()
  const [isLive, setIsLive] = createSignal(true)
  const [opened, setOpened] = createSignal<StreamEvent>()
  let element: HTMLDivElement | undefined
  /** Position of the newest event that the stream has brought. */
  let newest = 0
  let isLoading = false
  let turn = 0

  const changed = () => {
    setCount(events.length)
    setChanges((before) => before + 1)
  }
  /** The newest is the first. */
  const at = (index: number) => {
    changes()
    return events[events.length - 1 - index]
  }
  const { isHeld, onPointerMove, onPointerLeave } = createHold()
  const [isFocused, setIsFocused] = createSignal(false)
  /** What has come while a pointer or the focus is on a row. */
  const waiting: StreamEvent[] = []
  const [waitingCount, setWaitingCount] = createSignal(0)
  const isWaiting = () => (isHeld() || isFocused()) && waiting.length < MAX_WAITING
  const show = () => {
    const newest = waiting.splice(0)
    setWaitingCount(0)
    if (newest.length === 0) return
    events.push(...newest)
    if (events.length > MAX_EVENTS) {
      events.splice(0, events.length - MAX_EVENTS)
      // What has gone is read again when somebody scrolls there; what is being read is not what comes before the oldest now.
      turn++
      isLoading = false
      setCursor(events[0]?.position)
    }
    changed()
    // Whoever has scrolled down goes on reading what they read.
    if (element && element.scrollTop > ROW_HEIGHT) element.scrollTop += newest.length * ROW_HEIGHT
  }
  const buffer = createBuffer<StreamEvent>((newest) => {
    waiting.push(...newest)
    if (isWaiting()) setWaitingCount(waiting.length)
    else show()
  })
  createEffect(on([isHeld, isFocused], () => isWaiting() || show()))
  const loadMore = async () => {
    const from = cursor()
    if (isLoading || from === 'end') return
    isLoading = true
    const mine = turn
    try {
      const page = await lookBack(filter(), from)
      if (mine !== turn) return
      events.unshift(...page.events.reverse())
      changed()
      setCursor(page.more ? page.cursor : 'end')
      if (from === undefined) setAfter(page.head)
      setState('ready')
    } catch (error) {
      if (mine !== turn) return
      setProblem((error as Error).message)
      setState('failed')
    } finally {
      if (mine === turn) isLoading = false
    }
    // A pattern that matches little: a page of the log may hold none of it.
    if (mine === turn && count() < 50 && cursor() !== 'end' && state() === 'ready') void loadMore()
  }
  const reload = () => {
    turn++
    isLoading = false
    events.length = 0
    buffer.clear()
    waiting.length = 0
    setWaitingCount(0)
    setIsFocused(false)
    newest = 0
    changed()
    setCursor(undefined)
    setAfter(undefined)
    setState('loading')
    void loadMore()
  }
  createEffect(on(filter, reload))

  createFollow(stream, () => {
    const { channel, type, until } = filter()
    const since = filter().since && new Date(filter().since).toISOString()
    const start = after()
    // What is to end in the past does not go on.
    if (!isLive() || start === undefined || until) return undefined
    return {
      channels: [channel || '>'],
      after: Math.max(start, newest),
      onEvent: (event) => {
        newest = event.position
        if ((type && event.type !== type) || (since && event.time < since)) return
        buffer.add(event)
      },
      onGap: (gap) => {
        showGap(gap)
        reload()
      },
    }
  })

  const apply = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const text = (name: string) => String(data.get(name) ?? '').trim()
    setFilter({ channel: text('channel') || '>', type: text('type'), since: text('since'), until: text('until') })
  }
  return (
    <>
      <div class="page-title">
        <h1>Event log</h1>
        <p class="muted">Everything that was published, in its one order. Position, channel, type, data.</p>
      </div>
      <form class="filters card" onSubmit={apply} aria-label="Filter">
        <label>
          Channel pattern
          <input name="channel" value=">" spellcheck={false} autocapitalize="off" />
        </label>
        <label>
          Type
          <input name="type" placeholder="any" spellcheck={false} autocapitalize="off" />
        </label>
        <label>
          Since
          <input name="since" type="datetime-local" step="1" />
        </label>
        <label>
          Until
          <input name="until" type="datetime-local" step="1" />
        </label>
        <button type="submit">Show</button>
        <label class="check">
          <input
            type="checkbox"
            checked={isLive() && !filter().until}
            disabled={filter().until !== ''}
            onInput={(event) => setIsLive(event.currentTarget.checked)}
          />
          <Show when={filter().until} fallback="Live tail">
            No live tail with an end
          </Show>
        </label>
      </form>
      <section class="card log" aria-label="Events">
        <header>
          <h2>Newest first</h2>
          <Show when={waitingCount() > 0}>
            <span class="muted">{formatNumber(waitingCount())} new</span>
          </Show>
          <span class="muted" data-testid="log-count">
            {formatNumber(count())} on this page
          </span>
        </header>
        <States
          state={state()}
          error={problem()}
          isEmpty={count() === 0}
          empty="Nothing like this was published, as far as the log is kept."
          onRetry={reload}
        >
          <VirtualList
            class="log-rows"
            count={count()}
            keyAt={(index) => at(index)?.position ?? 0}
            onElement={(list) => {
              element = list
            }}
            rowHeight={ROW_HEIGHT}
            roles={['table', 'rowgroup']}
            label="Events"
            onNearEnd={() => void loadMore()}
            onPointerMove={onPointerMove}
            onPointerLeave={onPointerLeave}
            onFocusWithin={setIsFocused}
          >
            {(_, index, start) => (
              <Show when={at(index())}>
                {(event) => (
                  <div
                    class="log-row"
                    role="row"
                    style={{ transform: `translateY(${start()}px)`, height: `${ROW_HEIGHT}px` }}
                  >
                    <span class="number muted" role="cell">
                      {event().position}
                    </span>
                    <span class="number muted" role="cell">
                      {formatTime(event().time)}
                    </span>
                    <span class="code one-line" role="cell">
                      {event().channel}
                    </span>
                    <span role="cell">
                      <button type="button" class="tag" onClick={() => setOpened(event())}>
                        {event().type}
                      </button>
                    </span>
                    <span class="code one-line muted" role="cell">
                      {JSON.stringify(event().data).slice(0, 300)}
                    </span>
                  </div>
                )}
              </Show>
            )}
          </VirtualList>
        </States>
      </section>
      <EventDetail event={opened()} onClose={() => setOpened(undefined)} />
    </>
  )
}
