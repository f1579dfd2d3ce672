import { createSignal, type JSX, Show } from 'solid-js'
import type { Order } from '../../../server/shop/orders/schema.ts'
import { api, ask } from '../live/api.ts'
import { user } from '../live/identity.ts'
import { randomId } from '../sse/random-id.ts'
import { Dialog } from '../ui/dialog.tsx'
import { type FormSubmit, submittedFields } from '../ui/form-fields.ts'

/** A button that opens the form of a new order. */
export function NewOrderForm(props: { onCreated: (order: Order) => void }): JSX.Element {
  const [isOpen, setIsOpen] = createSignal(false)
  const [problem, setProblem] = createSignal('')
  // One key each time the form is opened: sent twice (double click, lost response), it creates one order.
  let key = randomId()
  const create = async (event: FormSubmit) => {
    const field = submittedFields(event)
    setProblem('')
    try {
      const unitPrice = Math.round(Number(field('price')) * 100)
      const line = { sku: field('sku'), name: field('name'), quantity: Number(field('quantity')), unitPrice }
      const headers = { 'idempotency-key': key }
      props.onCreated(
        await ask(api.orders.post({ customer: field('customer'), currency: 'EUR', lines: [line] }, { headers })),
      )
      setIsOpen(false)
    } catch (error) {
      setProblem((error as Error).message)
    }
  }
  return (
    <>
      <button
        type="button"
        class="primary"
        onClick={() => {
          key = randomId()
          setIsOpen(true)
        }}
      >
        New order
      </button>
      <Dialog title="New order" isOpen={isOpen()} onClose={() => setIsOpen(false)}>
        <form onSubmit={(event) => void create(event)}>
          <label>
            Customer
            <input name="customer" required value={user()} />
          </label>
          <div class="pair">
            <label>
              SKU
              <input name="sku" required value="TEA-SEN" />
            </label>
            <label>
              Product name
              <input name="name" required value="Sencha, 100 g" />
            </label>
          </div>
          <div class="pair">
            <label>
              Quantity
              <input name="quantity" type="number" min="1" max="1000000" required value="1" />
            </label>
            <label>
              Price, EUR
              <input name="price" type="number" min="0" step="0.01" required value="8.90" />
            </label>
          </div>
          <Show when={problem()}>
            <p class="error" role="alert">
              {problem()}
            </p>
          </Show>
          <button type="submit" class="primary">
            Create order
          </button>
        </form>
      </Dialog>
    </>
  )
}
