import { type JSX, Show } from 'solid-js'
import type { StreamEvent } from '../sse/protocol.ts'
import { Dialog } from '../ui/dialog.tsx'
import { Replay } from './replay.tsx'

/** A dialog with one event and its data, from which everything after it can be replayed. */
export function EventDetail(props: { event: StreamEvent | undefined; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={props.event?.type ?? ''} isOpen={props.event !== undefined} onClose={props.onClose}>
      <Show when={props.event} keyed>
        {(event) => (
          <>
            <dl class="facts">
              <dt>Position</dt>
              <dd class="number">{event.position}</dd>
              <dt>Channel</dt>
              <dd class="code">{event.channel}</dd>
              <dt>Time</dt>
              <dd>{event.time}</dd>
            </dl>
            <pre class="code data">{JSON.stringify(event.data, null, 2)}</pre>
            <Replay after={event.position - 1} />
          </>
        )}
      </Show>
    </Dialog>
  )
}
