import { type JSX, Match, Switch } from 'solid-js'

interface StatesProps {
  state: 'loading' | 'ready' | 'failed'
  error?: string
  isEmpty: boolean
  /** What to do while there is nothing. */
  empty: JSX.Element
  onRetry: () => void
  children: JSX.Element
}

/** What a list shows: that it loads, why it can't, that it is empty, or itself. */
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
          <p>{props.error || 'The server does not answer.'}</p>
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
