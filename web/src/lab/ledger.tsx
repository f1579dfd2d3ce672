import { For, type JSX } from 'solid-js'
import { formatNumber } from '../ui/format.ts'
import { BARS, type Figures, formatLatency, judge } from './figures.ts'

/** The events published and received, over all streams, and their latency. */
export function Ledger(props: { figures: Figures; onReset: () => void }): JSX.Element {
  const most = () => Math.max(1, ...props.figures.bars)
  const verdict = () => judge(props.figures)
  return (
    <div class="columns even">
      <section class="card" aria-labelledby="ledger-title">
        <header>
          <h2 id="ledger-title">Ledger</h2>
          <span class="tag" data-state={verdict().state} data-testid="verdict">
            {verdict().text}
          </span>
        </header>
        <dl class="facts">
          <dt>Sent · acknowledged</dt>
          <dd class="number">
            {formatNumber(props.figures.sent)} · {formatNumber(props.figures.acknowledged)}
          </dd>
          <dt>Delivered to all streams</dt>
          <dd class="number" data-testid="delivered">
            {formatNumber(props.figures.delivered)}
          </dd>
          <dt>Outstanding</dt>
          <dd class="number" data-testid="outstanding">
            {formatNumber(props.figures.outstanding)}
          </dd>
          <dt>Missing</dt>
          <dd class="number" data-testid="missing" data-bad={props.figures.missing > 0}>
            {formatNumber(props.figures.missing)}
          </dd>
          <dt>Duplicated</dt>
          <dd class="number" data-testid="duplicated" data-bad={props.figures.duplicated > 0}>
            {formatNumber(props.figures.duplicated)}
          </dd>
          <dt>Reordered</dt>
          <dd class="number" data-testid="reordered" data-bad={props.figures.reordered > 0}>
            {formatNumber(props.figures.reordered)}
          </dd>
        </dl>
      </section>
      <section class="card" aria-labelledby="histogram-title">
        <header>
          <h2 id="histogram-title">Latency</h2>
          <span class="muted number" data-testid="latency">
            p50 {formatLatency(props.figures.p50)} · p99 {formatLatency(props.figures.p99)}
          </span>
          <button type="button" class="ghost" onClick={() => props.onReset()}>
            Reset
          </button>
        </header>
        <ol class="histogram">
          <For each={BARS}>
            {(end, index) => (
              <li>
                <span class="muted number">{Number.isFinite(end) ? `< ${end}` : '≥ 1000'} ms</span>
                <span class="bar-place" aria-hidden="true">
                  <span style={{ width: `${(100 * (props.figures.bars[index()] ?? 0)) / most()}%` }} />
                </span>
                <span class="number">{formatNumber(props.figures.bars[index()] ?? 0)}</span>
              </li>
            )}
          </For>
        </ol>
      </section>
    </div>
  )
}
