import { createMemo, For, Index, type JSX, Show } from 'solid-js'
import { formatNumber } from '../ui/format.ts'
import { VirtualList } from '../ui/virtual-list.tsx'
import { NO_FIGURE, type StreamFigures } from './figures.ts'

const ROW_HEIGHT = 34

/** Each stream as a dot, and as a row. */
export function StreamList(props: { streams: readonly StreamFigures[] }): JSX.Element {
  const byState = createMemo(() =>
    [...Map.groupBy(props.streams, ({ state }) => state)].map(([state, of]) => `${of.length} ${state}`),
  )
  return (
    <section class="card" aria-labelledby="streams-title">
      <header>
        <h2 id="streams-title">Streams</h2>
        <span class="muted" data-testid="stream-states">
          {byState().join(', ') || 'none open'}
        </span>
      </header>
      <Show when={props.streams.length > 0} fallback={<p class="empty">Open some streams, and send a burst.</p>}>
        <div class="dots" aria-hidden="true">
          <Index each={props.streams}>
            {(stream) => (
              <i
                data-state={stream().missing + stream().duplicated + stream().reordered > 0 ? 'bad' : stream().state}
              />
            )}
          </Index>
        </div>
        <VirtualList
          class="log-rows lab-rows"
          count={props.streams.length}
          keyAt={(index) => props.streams[index]?.number ?? 0}
          rowHeight={ROW_HEIGHT}
          roles={['table', 'rowgroup']}
          label="Streams"
          header={
            <div class="lab-row head" role="row">
              <For
                each={[
                  '#',
                  'State',
                  'Instance',
                  'Channels',
                  'Position',
                  'Received',
                  'Latency, ms',
                  'Missing',
                  'Duplicated',
                  'Reordered',
                  'Reconnects',
                  'Gaps',
                ]}
              >
                {(name) => (
                  <span role="columnheader" class="muted">
                    {name}
                  </span>
                )}
              </For>
            </div>
          }
        >
          {(_, index, start) => (
            <Show when={props.streams[index()]}>
              {(stream) => (
                <div
                  class="lab-row"
                  role="row"
                  style={{ transform: `translateY(${start()}px)`, height: `${ROW_HEIGHT}px` }}
                >
                  <span role="cell" class="number muted">
                    {stream().number + 1}
                  </span>
                  <span role="cell" class="tag" data-state={stream().state}>
                    {stream().state}
                  </span>
                  <span role="cell" class="one-line">
                    {stream().instance}
                  </span>
                  <span role="cell" class="code one-line">
                    {stream().channels}
                  </span>
                  <For
                    each={
                      [
                        'position',
                        'received',
                        'lag',
                        'missing',
                        'duplicated',
                        'reordered',
                        'reconnects',
                        'gaps',
                      ] as const
                    }
                  >
                    {(member) => (
                      <span role="cell" class="number">
                        {formatFigure(stream()[member])}
                      </span>
                    )}
                  </For>
                </div>
              )}
            </Show>
          )}
        </VirtualList>
      </Show>
    </section>
  )
}

const formatFigure = (value: number | undefined) => (value === undefined ? NO_FIGURE : formatNumber(value))
