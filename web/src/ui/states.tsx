import { type JSX, Match, Switch } from 'solid-js'
import { UNREACHABLE } from './messages.ts'

interface StatesProps {
  state: 'loading' | 'ready' | 'failed'
  error?: string
  isEmpty: boolean
  /** Shown when there are no rows: says how to create some. */
  empty: JSX.Element
  onRetry: () => void
  children: JSX.Element
}

/** Shows one of four states of a list: loading, the error with a retry button, empty, or its rows. */
export function States(props: StatesProps): JSX.Element {
  return (
    <Switch fallback={props.children}>
      <Match when={props.state === 'loading'}>
        <div class="skeleton" role="status">
          <span class="visually-hidden">Loading …</span>
        </div>
      </Match>
      <Match when={props.state === 'failed'}>
        <div class="empty" role="alert">
          <p>{props.error || UNREACHABLE}</p>
          <button type="button" onClick={() => props.onRetry()}>
            Try again
          </button>
        </div>
      </Match>
      <Match when={props.isEmpty}>
        <div class="empty">{props.empty}</div>
      </Match>
    </Switch>
  )
}
