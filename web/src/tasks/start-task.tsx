import { createSignal, type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { api, ask, failWith } from '../live/api.ts'
import { userHeader } from '../live/identity.ts'

/** Starts a report, an import or a demo. */
export function StartTask(props: { onStarted: (task: Task) => void }): JSX.Element {
  const [problem, setProblem] = createSignal('')
  const [isOver, setIsOver] = createSignal(false)
  const start = async (task: Promise<Task>) => {
    setProblem('')
    try {
      props.onStarted(await task)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  const field = (event: SubmitEvent & { currentTarget: HTMLFormElement }, name: string) => {
    event.preventDefault()
    return String(new FormData(event.currentTarget).get(name) ?? '').trim()
  }
  const report = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    const [from, to] = [field(event, 'from'), field(event, 'to')]
    void start(ask(api.tasks.post({ kind: 'report', input: { ...(from && { from }), ...(to && { to }) } })))
  }
  const demo = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    const [seconds, fails] = [Number(field(event, 'seconds')), field(event, 'fails') === 'on']
    void start(ask(api.tasks.post({ kind: 'demo', input: { seconds, ...(fails && { fail_at: 50 }) } })))
  }
  const upload = (file: File | undefined) => {
    if (file) void start(importCsv(file))
  }
  return (
    <section class="card starts" aria-label="Start a task">
      <form onSubmit={report} aria-label="Report">
        <h2>Report</h2>
        <p class="muted">Orders by day, customer and SKU, as CSV and as a page with charts.</p>
        <div class="pair">
          <label>
            From
            <input type="date" name="from" />
          </label>
          <label>
            To
            <input type="date" name="to" />
          </label>
        </div>
        <button type="submit">Start a report</button>
      </form>
      <form
        aria-label="Import"
        class="drop"
        data-over={isOver()}
        onDragOver={(event) => {
          event.preventDefault()
          setIsOver(true)
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setIsOver(false)
          upload(event.dataTransfer?.files[0])
        }}
      >
        <h2>Import</h2>
        <p class="muted">
          A CSV of orders: <code>customer, currency, sku, name, quantity, unit_price</code> (in cents). Drop it here, or
        </p>
        <label class="file">
          <span>Choose a CSV file</span>
          <input
            type="file"
            accept=".csv,text/csv"
            onChange={(event) => {
              upload(event.currentTarget.files?.[0])
              event.currentTarget.value = ''
            }}
          />
        </label>
      </form>
      <form onSubmit={demo} aria-label="Demo">
        <h2>Demo</h2>
        <p class="muted">Takes as long as it is told.</p>
        <div class="pair">
          <label>
            Seconds
            <input type="number" name="seconds" min="0" max="3600" step="any" value="8" required />
          </label>
          <label class="check">
            <input type="checkbox" name="fails" />
            Fails half-way
          </label>
        </div>
        <button type="submit">Start a demo</button>
      </form>
      <Show when={problem()}>
        <p class="error" role="alert">
          {problem()}
        </p>
      </Show>
    </section>
  )
}

async function importCsv(file: File): Promise<Task> {
  const response = await fetch(`/api/orders/import?name=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', 'x-user': userHeader() },
    body: file,
  })
  if (!response.ok) await failWith(response)
  return (await response.json()) as Task
}
