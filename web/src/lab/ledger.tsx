import { For, type JSX } from 'solid-js'
import { formatNumber } from '../ui/format.ts'
import { BARS, type Figures } from './lab-session.ts'

/** What was published and what came, over all streams, and how long it took. */
export function Ledger(props: { figures: Figures; onReset: () => void }): JSX.Element {
  const isClean = () => props.figures.missing + props.figures.doubled + props.figures.reordered === 0
  const most = () => Math.max(1, ...props.figures.bars)
  const verdict = () => {
    if (props.figures.acknowledged === 0) return 'nothing published yet'
    if (!isClean()) return 'NOT clean'
    return props.figures.outstanding > 0 ? 'clean so far' : 'clean'
  }
  return (
    <div class="columns even">
      <section class="card" aria-labelledby="ledger-title">
        <header>
          <h2 id="ledger-title">Ledger</h2>
          <span class="tag" data-state={isClean() ? 'succeeded' : 'failed'} data-testid="verdict">
            {verdict()}
          </span>
        </header>
        <dl class="facts">
          <dt>Published, and acknowledged</dt>
          <dd class="number">
            {formatNumber(props.figures.sent)} · {formatNumber(props.figures.acknowledged)}
          </dd>
          <dt>Delivered to all streams</dt>
          <dd class="number" data-testid="delivered">
            {formatNumber(props.figures.delivered)}
          </dd>
          <dt>Still to come</dt>
          <dd class="number" data-testid="outstanding">
            {formatNumber(props.figures.outstanding)}
          </dd>
          <dt>Missing</dt>
          <dd class="number" data-testid="missing" data-bad={props.figures.missing > 0}>
            {formatNumber(props.figures.missing)}
          </dd>
          <dt>Doubled</dt>
          <dd class="number" data-testid="doubled" data-bad={props.figures.doubled > 0}>
            {formatNumber(props.figures.doubled)}
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
          <span class="muted number">
            p50 {props.figures.p50.toFixed(0)} ms · p99 {props.figures.p99.toFixed(0)} ms
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
