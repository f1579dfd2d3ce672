import type { Task } from '../../../server/shop/tasks/schema.ts'
import { api, ask, failWith } from '../live/api.ts'
import { userHeaders } from '../live/identity.ts'
import type { Fields } from '../ui/form-fields.ts'
import { demoInput, reportInput } from './inputs.ts'

/** Starts a report of the days in the fields `from` and `to`. @throws {ApiError} */
export const startReport = (field: Fields): Promise<Task> =>
  ask(api.tasks.post({ kind: 'report', input: reportInput(field) }))

/** Starts a demo as the fields `seconds` and `fails` describe it. @throws {ApiError} */
export const startDemo = (field: Fields): Promise<Task> =>
  ask(api.tasks.post({ kind: 'demo', input: demoInput(field) }))

/** Uploads a CSV file of orders and starts its import. @throws {ApiError} */
export async function startImport(file: File): Promise<Task> {
  const response = await fetch(`/api/orders/import?name=${encodeURIComponent(file.name)}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', ...userHeaders() },
    body: file,
  })
  if (!response.ok) await failWith(response)
  return (await response.json()) as Task
}
