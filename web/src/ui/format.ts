import { createSignal } from 'solid-js'

const number = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** A number with thousands separators, such as `1,234`. */
export const formatNumber = (value: number): string => number.format(value)

/** The local time of day, such as `14:03:59`. @param time ISO 8601 */
export const formatTime = (time: string): string => clock.format(new Date(time))

const moneyFormats = new Map<string, Intl.NumberFormat>()

/** An amount such as `€12.50`. @param minor amount in minor units, such as cents @param currency ISO 4217 */
export function formatMoney(minor: number, currency: string): string {
  let format = moneyFormats.get(currency)
  if (!format) {
    format = new Intl.NumberFormat('en', { style: 'currency', currency })
    moneyFormats.set(currency, format)
  }
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** A duration in its two largest units, such as `3 min` or `2 d 4 h`. @param ms milliseconds; negative counts as 0 */
export function formatDuration(ms: number): string {
  let seconds = Math.max(0, Math.round(ms / 1000))
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size)
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count} ${unit}`)
    seconds -= count * size
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** A size with one decimal, such as `1.5 kB`; units are powers of 1,024. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const exponent = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][exponent]}`
}

const [now, setNow] = createSignal(Date.now())
setInterval(() => setNow(Date.now()), 1000)

/** The current time in milliseconds since the epoch, as a signal that changes every second. */
export { now }
