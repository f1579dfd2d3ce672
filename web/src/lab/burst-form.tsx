import type { JSX } from 'solid-js'
import { submittedFields } from '../ui/form-fields.ts'
import type { Lab } from './create-lab.ts'

/** The form that publishes numbered events. */
export function BurstForm(props: { lab: Lab }): JSX.Element {
  return (
    <form class="card" onSubmit={(event) => void props.lab.burst(submittedFields(event))} aria-label="Send a burst">
      <h2>Burst</h2>
      <label>
        Events
        <input name="events" type="number" min="1" max="20000" value="200" required />
      </label>
      <button type="submit" class="primary">
        Publish
      </button>
      <p class="muted small-text">
        Numbered events on <code>{props.lab.channel}</code>. On this channel every number is checked; on other channels
        only the order is.
      </p>
    </form>
  )
}
