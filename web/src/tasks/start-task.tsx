import { createSignal, type JSX, Show } from 'solid-js'
import type { Task } from '../../../server/shop/tasks/schema.ts'
import { submittedFields } from '../ui/form-fields.ts'
import { startDemo, startImport, startReport } from './start-requests.ts'

/** Starts what it is given, and shows the error when that fails. */
type Start = (task: Promise<Task>) => Promise<void>

/** The forms that start a report, an import or a demo. */
export function StartTask(props: { onStarted: (task: Task) => void }): JSX.Element {
  const [problem, setProblem] = createSignal('')
  const start: Start = async (task) => {
    setProblem('')
    try {
      props.onStarted(await task)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  return (
    <section class="card starts" aria-label="Start a task">
      <ReportForm start={start} />
      <ImportForm start={start} />
      <DemoForm start={start} />
      <Show when={problem()}>
        <p class="error" role="alert">
          {problem()}
        </p>
      </Show>
    </section>
  )
}

function ReportForm(props: { start: Start }): JSX.Element {
  return (
    <form onSubmit={(event) => void props.start(startReport(submittedFields(event)))} aria-label="Report">
      <h2>Report</h2>
      <p class="muted">Totals by day, customer and SKU, as a CSV file and as a page with charts.</p>
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
      <button type="submit">Start report</button>
    </form>
  )
}

function ImportForm(props: { start: Start }): JSX.Element {
  const [isOver, setIsOver] = createSignal(false)
  const upload = (file: File | undefined) => {
    if (file) void props.start(startImport(file))
  }
  return (
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
        Orders from a CSV file with the columns <code>customer, currency, sku, name, quantity, unit_price</code>. The
        price is in minor units, such as cents. Drop the file here, or choose it:
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
  )
}

function DemoForm(props: { start: Start }): JSX.Element {
  return (
    <form onSubmit={(event) => void props.start(startDemo(submittedFields(event)))} aria-label="Demo">
      <h2>Demo</h2>
      <p class="muted">Shows progress for the given time, without doing any work.</p>
      <div class="pair">
        <label>
          Seconds
          <input type="number" name="seconds" min="0" max="3600" step="any" value="8" required />
        </label>
        <label class="check">
          <input type="checkbox" name="fails" />
          Fail half-way
        </label>
      </div>
      <button type="submit">Start demo</button>
    </form>
  )
}
