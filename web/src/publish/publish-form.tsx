import { createSignal, type JSX, Show } from 'solid-js'
import { publish } from './publish.ts'

type Result = { position: number } | { error: string }

/** Publishes one event. */
export function PublishForm(): JSX.Element {
  const [channel, setChannel] = createSignal('orders.alice.1')
  const [type, setType] = createSignal('order.created')
  const [data, setData] = createSignal('{"total": 12}')
  const [isBusy, setBusy] = createSignal(false)
  const [result, setResult] = createSignal<Result>()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      setResult({ position: await publish(channel(), type(), data()) })
    } catch (error) {
      setResult({ error: error instanceof Error ? error.message : String(error) })
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="card" aria-labelledby="publish-title">
      <header>
        <h2 id="publish-title">Publish</h2>
      </header>
      <form onSubmit={submit}>
        <label>
          Channel
          <input
            value={channel()}
            onInput={(event) => setChannel(event.currentTarget.value)}
            required
            spellcheck={false}
          />
        </label>
        <label>
          Type
          <input value={type()} onInput={(event) => setType(event.currentTarget.value)} required spellcheck={false} />
        </label>
        <label>
          Data (JSON)
          <textarea
            rows="3"
            value={data()}
            onInput={(event) => setData(event.currentTarget.value)}
            spellcheck={false}
          />
        </label>
        <button type="submit" class="primary" disabled={isBusy()}>
          Publish
        </button>
        <p class="result" role="status">
          <Show when={result()}>{(shown) => <ResultLine result={shown()} />}</Show>
        </p>
      </form>
    </section>
  )
}

function ResultLine(props: { result: Result }): JSX.Element {
  return 'position' in props.result ? (
    <span>Published at position {props.result.position}.</span>
  ) : (
    <span class="error">{props.result.error}</span>
  )
}
