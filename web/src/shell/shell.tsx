import type { RouteSectionProps } from '@solidjs/router'
import { createEffect, createMemo, type JSX, Match, on, Switch } from 'solid-js'
import { access, loadSession } from '../live/session.ts'
import { stream } from '../live/stream.ts'
import { createStreamState } from '../sse/create-stream.ts'
import { Frame } from './frame.tsx'
import { SignIn } from './sign-in.tsx'

/** The page of the address, or in its place what is needed first: a session. The address stays, so one returns to the page. */
export function Shell(props: RouteSectionProps): JSX.Element {
  const state = createMemo(() => access().name)
  const failure = () => {
    const now = access()
    return now.name === 'failed' || now.name === 'signed out' ? now.reason : ''
  }
  void loadSession()
  // The stream may have been refused because the session has ended.
  createEffect(on(createStreamState(stream), ({ name }) => name === 'refused' && void loadSession()))
  return (
    <Switch fallback={<Frame>{props.children}</Frame>}>
      <Match when={state() === 'loading'}>
        <div class="sign-in">
          <div class="skeleton" role="status" aria-label="Loading" />
        </div>
      </Match>
      <Match when={state() === 'failed'}>
        <main class="sign-in">
          <p class="notice" role="alert">
            {failure()}
          </p>
        </main>
      </Match>
      <Match when={state() === 'signed out'}>
        <SignIn reason={failure()} />
      </Match>
    </Switch>
  )
}
