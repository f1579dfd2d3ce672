import type { Fields } from '../ui/form-fields.ts'

/** Percentage at which a demo fails that is started to fail. */
const FAIL_AT = 50

/** Input of a report: the days `from` and `to` (YYYY-MM-DD), each left out when its field is empty. */
export function reportInput(field: Fields): { from?: string; to?: string } {
  const [from, to] = [field('from'), field('to')]
  return { ...(from && { from }), ...(to && { to }) }
}

/** Input of a demo: its duration in seconds and, when the box `fails` is checked, the percentage at which it fails. */
export function demoInput(field: Fields): { seconds: number; fail_at?: number } {
  return { seconds: Number(field('seconds')), ...(field('fails') === 'on' && { fail_at: FAIL_AT }) }
}
