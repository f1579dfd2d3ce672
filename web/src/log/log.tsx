import { createSignal, type JSX, Show } from 'solid-js'
import { canRead } from '../live/access.ts'
import type { StreamEvent } from '../sse/protocol.ts'
import { formatNumber } from '../ui/format.ts'
import { States } from '../ui/states.tsx'
import { VirtualList } from '../ui/virtual-list.tsx'
import { createLog } from './create-log.ts'
import { EventDetail } from './event-detail.tsx'
import { LogFilter } from './log-filter.tsx'
import { LogRow, ROW_HEIGHT } from './log-row.tsx'

/** The page of the event log: published events, newest first, and new ones as they are published. */
export default function Log(): JSX.Element {
  const [opened, setOpened] = createSignal<StreamEvent>()
  let element: HTMLDivElement | undefined
  const log = createLog((added) => {
    // A user who has scrolled down keeps the same rows in view.
    if (element && element.scrollTop > ROW_HEIGHT) element.scrollTop += added * ROW_HEIGHT
  })
  const { rows } = log
  return (
    <>
      <div class="page-title">
        <h1>Event log</h1>
        <p class="muted">
          {canRead('>') ? 'All published events' : 'The events of the channels that you may read'} in the order of their
          positions. Select a type to see the whole event.
        </p>
      </div>
      <LogFilter log={log} />
      <section class="card log" aria-label="Events">
        <header>
          <h2>Events, newest first</h2>
          <Show when={rows.heldCount() > 0}>
            <span class="muted">{formatNumber(rows.heldCount())} new</span>
          </Show>
          <span class="muted" data-testid="log-count">
            {formatNumber(rows.count())} loaded
          </span>
        </header>
        <States
          state={rows.state()}
          error={rows.error()}
          isEmpty={rows.count() === 0}
          empty="No event matches the filter. Change the filter, or publish an event with POST /events."
          onRetry={rows.reload}
        >
          <VirtualList
            class="log-rows"
            count={rows.count()}
            keyAt={(index) => rows.at(index)?.position ?? 0}
            onElement={(list) => {
              element = list
            }}
            rowHeight={ROW_HEIGHT}
            roles={['table', 'rowgroup']}
            label="Events"
            onNearEnd={rows.loadMore}
            onPointerMove={rows.hold.onPointerMove}
            onPointerLeave={rows.hold.onPointerLeave}
            onFocusWithin={rows.setIsFocused}
          >
            {(_, index, start) => (
              <Show when={rows.at(index())}>
                {(event) => <LogRow event={event()} start={start()} onOpen={() => setOpened(event())} />}
              </Show>
            )}
          </VirtualList>
        </States>
      </section>
      <EventDetail event={opened()} onClose={() => setOpened(undefined)} />
    </>
  )
}
