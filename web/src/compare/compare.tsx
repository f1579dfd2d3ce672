import { For, type JSX, Show } from 'solid-js'
import { canPublish, canRead } from '../live/access.ts'
import { user } from '../live/identity.ts'
import { Advice } from './advice.tsx'
import { Controls } from './controls.tsx'
import { type Compare, createCompare } from './create-compare.ts'
import type { Figures } from './figures.ts'
import { LaneCard } from './lane-card.tsx'
import { Method } from './method.tsx'
import { Welcome } from './welcome.tsx'

/** The page that compares the transports: the same events over each of them, side by side. */
export default function ComparePage(): JSX.Element {
  const compare = createCompare()
  const isAllowed = () => canRead(compare.channel) && canPublish(compare.channel)
  return (
    <>
      <div class="page-title">
        <h1>Compare</h1>
        <p class="muted">The same events over SSE, WebSocket, long-polling and polling.</p>
      </div>
      <Show when={isAllowed()} fallback={<NotAllowed />}>
        <Show when={compare.figures()} fallback={<Welcome compare={compare} />}>
          {(figures) => <Run compare={compare} figures={figures()} />}
        </Show>
      </Show>
    </>
  )
}

function Run(props: { compare: Compare; figures: Figures }): JSX.Element {
  return (
    <>
      <Problems compare={props.compare} figures={props.figures} />
      <Controls compare={props.compare} />
      <p class="compare-headline" role="status" data-state={props.figures.headline?.state ?? 'none'}>
        {props.figures.headline?.text ?? 'Events are flowing. Publish a burst, or cut the network.'}
      </p>
      <div class="compare-lanes">
        <For each={props.compare.lanes()}>
          {(lane, index) => (
            <Show when={props.figures.lanes[index()]}>
              {(figures) => <LaneCard lane={lane} figures={figures()} sent={props.figures.sent} />}
            </Show>
          )}
        </For>
      </div>
      <p class="compare-legend muted small-text" aria-hidden="true">
        <span data-mark="arrived">arrived</span>
        <span data-mark="awaited">published, not here yet</span>
        <span data-mark="bad">missing or twice</span>
      </p>
      <Advice figures={props.figures} />
      <Method channel={props.compare.channel} />
    </>
  )
}

function Problems(props: { compare: Compare; figures: Figures }): JSX.Element {
  return (
    <>
      <Show when={props.compare.isCrowded()}>
        <p class="notice" role="alert">
          Another tab compares, too. Over HTTP/1.1 all tabs share six connections to this server, so their requests wait
          for each other: stop the other one for true figures.
        </p>
      </Show>
      <Show when={props.figures.trouble || props.compare.error()}>
        {(text) => (
          <p class="notice" classList={{ error: props.figures.isOver }} role="alert">
            {text()} {props.figures.isOver ? 'Nothing more is published: stop, and start again.' : ''}
          </p>
        )}
      </Show>
    </>
  )
}

function NotAllowed(): JSX.Element {
  return (
    <p class="empty">
      This page publishes events of its own and reads them. You are signed in as {user()}, who may not: sign in with a
      token whose claims <code>subscribe</code> and <code>publish</code> cover <code>compare.&gt;</code>.
    </p>
  )
}
