import { type JSX, Show } from 'solid-js'
import { submittedFields } from '../ui/form-fields.ts'
import type { LogView } from './create-log.ts'

/** The form that selects the events of the log page. */
export function LogFilter(props: { log: LogView }): JSX.Element {
  const hasEnd = () => props.log.filter().until !== ''
  return (
    <form
      class="filters card"
      aria-label="Filter"
      onSubmit={(event) => {
        const field = submittedFields(event)
        props.log.setFilter({
          channel: field('channel'),
          type: field('type'),
          since: field('since'),
          until: field('until'),
        })
      }}
    >
      <label>
        Channel pattern
        <input name="channel" placeholder="all you may read" spellcheck={false} autocapitalize="off" />
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
      <button type="submit">Apply filter</button>
      <label class="check">
        <input
          type="checkbox"
          checked={props.log.isLive() && !hasEnd()}
          disabled={hasEnd()}
          onInput={(event) => props.log.setIsLive(event.currentTarget.checked)}
        />
        <Show when={hasEnd()} fallback="Follow new events">
          Not live: “Until” is set
        </Show>
      </label>
    </form>
  )
}
