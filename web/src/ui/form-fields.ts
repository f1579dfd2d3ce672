/** Reads a text field of a form by its name, trimmed; empty for a missing field, a file or an unchecked box. */
export type Fields = (name: string) => string

/** The text fields of a form. */
export const fieldsOf =
  (data: FormData): Fields =>
  (name) => {
    const value = data.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }

/** A submit event of a form, as Solid types it. */
export type FormSubmit = SubmitEvent & { currentTarget: HTMLFormElement }

/** Keeps the browser from submitting a form itself, and returns its fields. */
export function submittedFields(event: FormSubmit): Fields {
  event.preventDefault()
  return fieldsOf(new FormData(event.currentTarget))
}
