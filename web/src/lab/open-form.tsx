import { createEffect, For, type JSX } from 'solid-js'
import { submittedFields } from '../ui/form-fields.ts'
import type { Addresses } from './addresses.ts'
import type { Lab } from './create-lab.ts'

/** An instance that can be chosen. */
export interface InstancePort {
  name: string
  port: string
}

/** The form that opens streams. */
export function OpenForm(props: { lab: Lab; addresses: Addresses; instances: readonly InstancePort[] }): JSX.Element {
  // A default value, which does not replace what was typed when the limit changes.
  const suggestCount = (input: HTMLInputElement) =>
    createEffect(() => {
      input.defaultValue = String(Math.min(50, props.addresses.limit))
    })
  return (
    <form class="card" onSubmit={(event) => void props.lab.open(submittedFields(event))} aria-label="Open streams">
      <h2>Streams</h2>
      <div class="pair">
        <label>
          How many
          <input name="count" type="number" min="1" max={props.addresses.limit} ref={suggestCount} required />
        </label>
        <label>
          Instance
          <select name="instance">
            <option value="">any</option>
            <For each={props.instances}>{({ name, port }) => <option value={port}>{name}</option>}</For>
          </select>
        </label>
      </div>
      <label>
        Channels
        <input name="channels" value={props.lab.channel} spellcheck={false} required />
      </label>
      <label>
        Cursor
        <input
          name="cursor"
          placeholder="now; or earliest, a cursor or a position"
          pattern="earliest|[0-9]+(-[0-9a-z]+)?"
          spellcheck={false}
        />
      </label>
      <div class="row">
        <button type="submit" class="primary">
          Open
        </button>
        <button type="button" disabled={props.lab.figures().streams.length === 0} onClick={() => props.lab.closeAll()}>
          Close all
        </button>
      </div>
      <p class="muted small-text">{props.addresses.explanation}</p>
    </form>
  )
}
