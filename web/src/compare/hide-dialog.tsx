import type { JSX } from 'solid-js'
import { Dialog } from '../ui/dialog.tsx'

/** What happens to hidden tabs, and how to see it. */
export function HideDialog(props: { isOpen: boolean; onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Hide the tab" isOpen={props.isOpen} onClose={props.onClose}>
      <div class="compare-text">
        <p>
          <strong>Now switch to another tab for ten seconds or more, and come back.</strong> The page sees when it is
          hidden and judges each lane when it is visible again.
        </p>
        <p class="muted">
          Browsers slow down the timers of hidden tabs: to one a second, and after five minutes to one a minute. What
          the server pushes arrives all the same; polling waits for its timer, and so does this page's publisher.
        </p>
        <p class="muted">
          An application may also let go on purpose: with <code>pauseWhenHidden</code> the client closes its connection
          while nobody looks, and catches up from its cursor. These lanes do not.
        </p>
      </div>
    </Dialog>
  )
}
