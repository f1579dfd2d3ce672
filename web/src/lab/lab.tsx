import { createMemo, createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { createCluster } from '../cluster/create-cluster.ts'
import { api, ask } from '../live/api.ts'
import { formatNumber } from '../ui/format.ts'
import { addressesFor } from './addresses.ts'
import { LabSession } from './lab-session.ts'
import { Ledger } from './ledger.tsx'
import { StreamList } from './stream-list.tsx'

/** Milliseconds between two looks at the streams. */
const LOOK = 400

/** Opens many streams, breaks them, and shows that nothing was lost. */
export default function Lab(): JSX.Element {
  const { view, error } = createCluster()
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const addresses = createMemo(() =>
    addressesFor(new URL(location.href), entry?.nextHopProtocol ?? '', view()?.settings.lab ?? false),
  )
  const lab = new LabSession(addresses)
  const [figures, setFigures] = createSignal(lab.figures())
  const [message, setMessage] = createSignal('')
  const [isStalled, setIsStalled] = createSignal(false)
  const [isOffline, setIsOffline] = createSignal(false)
  const timer = setInterval(() => setFigures(lab.figures()), LOOK)
  onCleanup(() => {
    clearInterval(timer)
    lab.closeAll()
  })
  const text = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    return (name: string) => String(data.get(name) ?? '').trim()
  }
  const open = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    const field = text(event)
    const wanted = Number(field('count'))
    const opened = lab.open({
      count: wanted,
      channels: field('channels')
        .split(/[\s,]+/)
        .filter(Boolean),
      cursor: field('cursor'),
      port: field('instance') || undefined,
    })
    setMessage(
      opened < wanted
        ? `${opened} were opened: here a browser has ${addresses().limit}.`
        : `${opened} streams were opened.`,
    )
    // What is pressed holds for these too.
    if (isStalled()) lab.each((stream) => stream.setStalled(true))
    if (isOffline()) lab.each((stream) => stream.setOffline(true))
    setFigures(lab.figures())
  }
  const burst = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    const count = Number(text(event)('events'))
    setMessage(`Publishing ${formatNumber(count)} events …`)
    try {
      await lab.burst(count)
      setMessage(`${formatNumber(count)} events were published, and are durable.`)
    } catch (error) {
      setMessage((error as Error).message)
    }
  }
  const cause = async (fault: 'disconnect-streams' | 'kill-listeners') => {
    try {
      const { affected } = await ask(api.lab.faults.post({ fault }))
      setMessage(
        fault === 'kill-listeners'
          ? `${affected} listening connections were ended.`
          : `${affected} streams were ended.`,
      )
    } catch (error) {
      setMessage((error as Error).message)
    }
  }
  const ports = () =>
    (view()?.instances ?? []).flatMap(({ name, url }) => {
      const address = URL.parse(url)
      return address && addresses().limit > 100 ? [{ name, port: address.port }] : []
    })
  const isAllowed = () => view()?.settings.lab ?? false
  return (
    <>
      <div class="page-title">
        <h1>Connection lab</h1>
        <p class="muted">
          Open many streams, send bursts, break things, and watch the ledger: every event once, in order.
        </p>
      </div>
      {/* Before it is known what the server allows, it is not known how many streams there can be. */}
      <Show when={view() || error()} fallback={<div class="skeleton" role="status" aria-label="Loading" />}>
        <div class="lab-controls">
          <form class="card" onSubmit={open} aria-label="Open streams">
            <h2>Streams</h2>
            <div class="pair">
              <label>
                How many
                <input
                  name="count"
                  type="number"
                  min="1"
                  max={addresses().limit}
                  value={Math.min(50, addresses().limit)}
                  required
                />
              </label>
              <label>
                Instance
                <select name="instance">
                  <option value="">any</option>
                  <For each={ports()}>{({ name, port }) => <option value={port}>{name}</option>}</For>
                </select>
              </label>
            </div>
            <label>
              Channels
              <input name="channels" value={lab.channel} spellcheck={false} required />
            </label>
            <label>
              Cursor
              <input name="cursor" placeholder="now; or earliest, or a position" pattern="earliest|[0-9]*" />
            </label>
            <div class="row">
              <button type="submit" class="primary">
                Open
              </button>
              <button type="button" disabled={figures().streams.length === 0} onClick={() => lab.closeAll()}>
                Close all
              </button>
            </div>
            <p class="muted small-text">{addresses().explanation}</p>
          </form>
          <form class="card" onSubmit={(event) => void burst(event)} aria-label="Send a burst">
            <h2>Burst</h2>
            <label>
              Events
              <input name="events" type="number" min="1" max="20000" value="200" required />
            </label>
            <button type="submit" class="primary">
              Publish
            </button>
            <p class="muted small-text">
              Numbered, on <code>{lab.channel}</code>. Any channel that you open is checked for order; these for every
              number.
            </p>
          </form>
          <section class="card padded" aria-label="Faults">
            <h2>Faults</h2>
            <div class="faults">
              <button type="button" onClick={() => lab.each((stream) => stream.drop())}>
                Drop all
              </button>
              <button type="button" onClick={() => lab.each((stream) => stream.drop(), 0.3)}>
                Drop a third
              </button>
              <button
                type="button"
                aria-pressed={isStalled()}
                onClick={() => {
                  setIsStalled(!isStalled())
                  lab.each((stream) => stream.setStalled(isStalled()))
                }}
              >
                Stop reading
              </button>
              <button
                type="button"
                aria-pressed={isOffline()}
                onClick={() => {
                  setIsOffline(!isOffline())
                  lab.each((stream) => stream.setOffline(isOffline()))
                }}
              >
                Go offline
              </button>
              <button type="button" onClick={() => lab.each((stream) => stream.reconnect())}>
                Reconnect all at once
              </button>
              <button type="button" disabled={!isAllowed()} onClick={() => void cause('kill-listeners')}>
                Kill the listener's connection
              </button>
              <button type="button" disabled={!isAllowed()} onClick={() => void cause('disconnect-streams')}>
                Drain the instance
              </button>
            </div>
            <Show when={view() && !isAllowed()}>
              <p class="muted small-text">The last two need LAB=on at the server.</p>
            </Show>
          </section>
        </div>
      </Show>
      <p class="result" aria-live="polite">
        {message()}
      </p>
      <Ledger figures={figures()} onReset={() => lab.forgetLatencies()} />
      <StreamList streams={figures().streams} />
    </>
  )
}
