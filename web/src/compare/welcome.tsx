import { For, type JSX, onMount, Show } from 'solid-js'
import type { Compare } from './create-compare.ts'
import { Glyph } from './glyph.tsx'
import { KINDS } from './kinds.ts'

/** What is shown before the start: what the page does, and the button. */
export function Welcome(props: { compare: Compare }): JSX.Element {
  let button: HTMLButtonElement | undefined
  // After a run, the button that was pressed is gone.
  onMount(() => props.compare.hasRun() && button?.focus())
  return (
    <section class="card compare-welcome" aria-label="Start">
      <ul class="compare-kinds">
        <For each={KINDS}>
          {({ id, name, hint }) => (
            <li data-lane={id}>
              <Glyph kind={id} />
              <strong>{name}</strong>
              <span class="muted small-text">{hint}</span>
            </li>
          )}
        </For>
      </ul>
      <p class="compare-lead">
        This page publishes numbered events and receives each of them four times, side by side. Then break something,
        and see how late each lane was, what it cost, and whether it lost an event.
      </p>
      <Show when={props.compare.error()}>
        <p class="notice error" role="alert">
          {props.compare.error()}
        </p>
      </Show>
      <button
        type="button"
        class="primary"
        ref={(element) => {
          button = element
        }}
        disabled={props.compare.isStarting()}
        onClick={() => void props.compare.start()}
      >
        Start
      </button>
    </section>
  )
}
