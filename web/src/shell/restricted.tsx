import type { JSX } from 'solid-js'
import { isOperator } from '../live/access.ts'
import { user } from '../live/identity.ts'

/** A page for operators; for other users, it says so instead. @param props.title of the page */
export function ForOperators(props: { title: string; children: JSX.Element }): JSX.Element {
  // Components are created when they are shown, so the page requests nothing for other users.
  return isOperator() ? (
    props.children
  ) : (
    <>
      <div class="page-title">
        <h1>{props.title}</h1>
      </div>
      <p class="empty">
        This page is for operators. You are signed in as {user()}, with the role “user”: sign in with a token whose
        claim <code>role</code> is <code>operator</code>.
      </p>
    </>
  )
}
