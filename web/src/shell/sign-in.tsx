import { type JSX, Show } from 'solid-js'
import { TokenForm } from './token-form.tsx'

/** Shown in place of the page of the address, until there is a session. @param props.reason why the last one has ended */
export function SignIn(props: { reason: string }): JSX.Element {
  return (
    <main id="content" class="sign-in" tabindex="-1">
      <section class="card padded" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">Sign in</h1>
        <Show when={props.reason}>
          <p class="notice" role="alert">
            {props.reason} Sign in again to continue on this page.
          </p>
        </Show>
        <p class="muted">
          This server has access control: a token says who you are and what you may read and publish. Paste one that
          your identity provider has issued (JWT).
        </p>
        <TokenForm action="Sign in" />
        <p class="muted">
          For development, this command makes a token, with the keys of the server in its environment:
        </p>
        <pre class="code">
          <code>sse-update token --sub alice --role operator</code>
        </pre>
        <p class="muted small-text">
          The token is exchanged for a cookie that scripts cannot read. The page stores nothing.
        </p>
      </section>
    </main>
  )
}
