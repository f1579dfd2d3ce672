import { For, type JSX } from 'solid-js'
import { formatNumber } from '../ui/format.ts'
import type { Figures, LaneFigures } from './figures.ts'
import { KINDS, type Kind } from './kinds.ts'
import { bytesText, latencyText } from './lane-card.tsx'

/** When to use which transport, with what this run has shown of each. */
export function Advice(props: { figures: Figures }): JSX.Element {
  const of = (kind: Kind) => props.figures.lanes.find(({ id }) => id === kind.id)
  return (
    <section class="card" aria-labelledby="advice-title">
      <header>
        <h2 id="advice-title">When to use which</h2>
      </header>
      <div class="compare-advice" role="table" aria-labelledby="advice-title">
        <div role="rowgroup">
          <div role="row" class="head muted">
            <For each={['Transport', 'Use it when', 'Mind', 'In this run']}>
              {(name) => <span role="columnheader">{name}</span>}
            </For>
          </div>
        </div>
        <div role="rowgroup">
          <For each={KINDS}>
            {(kind) => (
              <div role="row" data-lane={kind.id}>
                <span role="rowheader">{kind.name}</span>
                <span role="cell">{kind.use}</span>
                <span role="cell" class="muted">
                  {kind.mind}
                </span>
                <span role="cell" class="compare-run" data-testid="run">
                  <For each={runTexts(of(kind), props.figures.elapsed)}>{(text) => <span>{text}</span>}</For>
                </span>
              </div>
            )}
          </For>
        </div>
      </div>
      <p class="muted small-text compare-note">
        All four are complete because each of them reads after a cursor: polling without one misses what comes and goes
        between two requests. Over a real network, each request of polling adds a round trip, which this machine hides.
      </p>
    </section>
  )
}

function runTexts(figures: LaneFigures | undefined, elapsed: number): string[] {
  if (!figures) return []
  const { p50, bytesPerEvent, recovery } = figures
  return [
    `${latencyText(p50)} median latency`,
    `${bytesText(bytesPerEvent)} per event`,
    requestsText(figures, elapsed),
    recovery === undefined ? 'nothing broken yet' : `recovered in ${latencyText(recovery)}`,
  ]
}

/** Streams have a request for each connection; of polling, the rate says more. */
function requestsText({ id, requests }: LaneFigures, elapsed: number): string {
  if (id === 'sse' || id === 'websocket') return requests === 1 ? '1 request' : `${formatNumber(requests)} requests`
  return `${formatNumber(Math.round((60_000 * requests) / Math.max(1000, elapsed)))} requests a minute`
}
