import { type JSX, Show } from 'solid-js'
import { formatBytes, formatNumber } from '../ui/format.ts'
import type { LaneFigures } from './figures.ts'
import type { Lane } from './lane.ts'
import { LanePicture } from './lane-picture.tsx'
import { formatTime, verdictSoFar } from './verdict.ts'

const NONE = '–'
const WORDS = {
  connecting: 'connecting',
  'signing in': 'signing in',
  'catching up': 'catching up',
  live: 'live',
  waiting: 'reconnecting',
  offline: 'cut off',
  refused: 'refused',
  over: 'ended',
  closed: 'closed',
} as const

/** Latency as text. @param ms milliseconds; `undefined` gives a dash */
export const latencyText = (ms: number | undefined): string => (ms === undefined ? NONE : formatTime(ms))

/** Bytes for each event as text. */
export const bytesText = (bytes: number | undefined): string =>
  bytes === undefined ? NONE : formatBytes(Math.round(bytes))

/** One lane: its picture, its figures, and what the last action has shown. */
export function LaneCard(props: { lane: Lane; figures: LaneFigures; sent: number }): JSX.Element {
  const { id, name, hint } = props.lane.kind
  const verdict = () => props.figures.verdict ?? verdictSoFar(props.figures, props.figures.received)
  const wrongs = () => props.figures.missing + props.figures.duplicated + props.figures.reordered
  return (
    <article class="card compare-lane" data-lane={id} aria-labelledby={`lane-${id}`}>
      <header>
        <h2 id={`lane-${id}`}>{name}</h2>
        <span class="tag" data-state={props.figures.state} data-testid="lane-state">
          {WORDS[props.figures.state]}
        </span>
        <span class="muted small-text compare-hint">{hint}</span>
      </header>
      <LanePicture
        lane={props.lane}
        label={`${name}: ${formatNumber(props.figures.received)} of ${formatNumber(props.sent)} events are here`}
      />
      <dl>
        <Figure name="Median latency" value={latencyText(props.figures.p50)} isMain />
        <Figure name="99 % within" value={latencyText(props.figures.p99)} isMain />
        <Figure name="Events" value={formatNumber(props.figures.received)} isBad={wrongs() > 0} />
        <Figure name="Requests" value={formatNumber(props.figures.requests)} />
        <Figure name="Received" value={formatBytes(props.figures.bytes)} />
        <Figure name="Per event" value={bytesText(props.figures.bytesPerEvent)} />
        <Figure name="Connection used" value={`${Math.round(100 * props.figures.busy)} %`} />
        <Figure name="Reconnects" value={formatNumber(props.figures.reconnects)} />
      </dl>
      <Show when={props.figures.reason}>
        <p class="error small-text" role="alert">
          {props.figures.reason}
        </p>
      </Show>
      <p class="compare-verdict" data-state={verdict().state} data-testid="lane-verdict">
        {verdict().text}
      </p>
    </article>
  )
}

function Figure(props: { name: string; value: string; isMain?: boolean; isBad?: boolean }): JSX.Element {
  return (
    <div data-main={props.isMain}>
      <dt>{props.name}</dt>
      <dd class="number" data-bad={props.isBad}>
        {props.value}
      </dd>
    </div>
  )
}
