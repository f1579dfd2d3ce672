import type { JSX } from 'solid-js'
import type { StreamEvent } from '../sse/protocol.ts'
import { formatTime } from '../ui/format.ts'

/** Height of a row in pixels: all rows are equally high, so that the list draws only those in view. */
export const ROW_HEIGHT = 34
/** Characters of the data that a row shows. */
const PREVIEW = 300

/** One event of the log. @param start pixels from the top of the list */
export function LogRow(props: { event: StreamEvent; start: number; onOpen: () => void }): JSX.Element {
  return (
    <div class="log-row" role="row" style={{ transform: `translateY(${props.start}px)`, height: `${ROW_HEIGHT}px` }}>
      <span class="number muted" role="cell">
        {props.event.position}
      </span>
      <span class="number muted" role="cell">
        {formatTime(props.event.time)}
      </span>
      <span class="code one-line" role="cell">
        {props.event.channel}
      </span>
      <span role="cell">
        <button type="button" class="tag" onClick={() => props.onOpen()}>
          {props.event.type}
        </button>
      </span>
      <span class="code one-line muted" role="cell">
        {JSON.stringify(props.event.data).slice(0, PREVIEW)}
      </span>
    </div>
  )
}
