import { createSignal, type JSX, onMount, Show } from 'solid-js'
import type { Compare } from './create-compare.ts'
import { HideDialog } from './hide-dialog.tsx'

/** Events of a burst. */
const BURST = 500
/** Most events a second of the slider. */
const MAX_RATE = 400

/** What can be done to the lanes. */
export function Controls(props: { compare: Compare }): JSX.Element {
  const [isHiding, setIsHiding] = createSignal(false)
  const isBusy = () => props.compare.figures()?.isBusy ?? true
  const left = () => {
    const { action, left } = props.compare.figures() ?? {}
    return action === 'cut' && left !== undefined ? Math.ceil(left / 1000) : undefined
  }
  return (
    <section class="card padded compare-controls" aria-label="Controls">
      <label class="compare-rate">
        <span>
          Steady rate <b class="number">{props.compare.rate()} events/s</b>
        </span>
        <input
          type="range"
          min="0"
          max={MAX_RATE}
          step="5"
          value={props.compare.rate()}
          aria-valuetext={`${props.compare.rate()} events per second`}
          onInput={({ currentTarget }) => props.compare.setRate(Number(currentTarget.value))}
        />
      </label>
      <div class="compare-buttons">
        <Act class="primary" isFirst isBusy={isBusy()} onAct={() => props.compare.burst(BURST)}>
          Burst of {BURST}
        </Act>
        <Act isPressed={left() !== undefined} isBusy={isBusy()} onAct={() => props.compare.cut()}>
          {left() === undefined ? 'Cut the network for 5 s' : `Cut: ${left()} s left`}
        </Act>
        <Act
          isBusy={isBusy()}
          isForbidden={!props.compare.hasFaults()}
          onAct={() => void props.compare.endConnections()}
        >
          End all connections
        </Act>
        <Act isBusy={isBusy()} onAct={() => setIsHiding(true)}>
          Hide the tab
        </Act>
        <button type="button" class="ghost" onClick={() => props.compare.stop()}>
          Stop
        </button>
      </div>
      <details class="small-text muted">
        <summary>What these do, and how to restart</summary>
        <p>
          <strong>Cut</strong> is simulated in this page: the connections of all four lanes are dropped and new ones
          fail. Publishing goes on. Then all lanes connect at once, as the client does when a browser is online again.
        </p>
        <p>
          <strong>End all connections</strong> lets the server close every stream, as when it restarts; polling has
          nothing to close but the request that waits.
          <Show when={!props.compare.hasFaults()}> It requires LAB=on at the server, and an operator.</Show>
        </p>
        <p>
          <strong>Restart</strong>: stop the server in its terminal (Ctrl-C), and start it again. The page notices, goes
          on publishing, and judges each lane when the server is back.
        </p>
      </details>
      <HideDialog isOpen={isHiding()} onClose={() => setIsHiding(false)} />
    </section>
  )
}

interface ActProps {
  class?: string
  /** Whether it has the focus at first: the button that was pressed before is gone. */
  isFirst?: boolean
  isPressed?: boolean
  /** Whether another action is under way. A disabled button would lose the keyboard's focus. */
  isBusy: boolean
  isForbidden?: boolean
  onAct: () => void
  children: JSX.Element
}

function Act(props: ActProps): JSX.Element {
  let button: HTMLButtonElement | undefined
  onMount(() => props.isFirst && button?.focus({ preventScroll: true }))
  return (
    <button
      type="button"
      class={props.class}
      ref={(element) => {
        button = element
      }}
      aria-pressed={props.isPressed}
      aria-disabled={props.isBusy}
      disabled={props.isForbidden}
      onClick={() => !props.isBusy && props.onAct()}
    >
      {props.children}
    </button>
  )
}
