import ipaddr from 'ipaddr.js'
import { MINUTE, SECOND } from '../time.ts'

/** One environment variable: how it is parsed, and how it is documented. */
export interface Setting<T> {
  /** Name of the environment variable. */
  name: string
  /** What it does, in a sentence. */
  doc: string
  /** Its default as a person would write it, for help texts; `undefined` when there is none. */
  shown: string | undefined
  /** Unit or form of the value, for help texts; `undefined` when it needs none. */
  unit: string | undefined
  /** The value of a variable that is empty or missing. */
  fallback: T
  /** @throws {Error} whose message completes "NAME is …, wants ". */
  parse(text: string): T
}

interface Explained {
  doc: string
  unit?: string
}

/** Text of any form. */
export const text = <F extends string | undefined>(
  name: string,
  { fallback, shown = fallback, ...rest }: Explained & { fallback: F; shown?: string },
): Setting<string | F> => ({
  name,
  ...rest,
  unit: rest.unit,
  shown,
  fallback,
  parse: (value) => value,
})

/** Text that no message shows. */
export const secret = (name: string, { doc }: Explained): Setting<string | undefined> =>
  text<undefined>(name, { fallback: undefined, doc, unit: 'secret' })

/** A whole number from `min` to `max`, both included. */
export const integer = (
  name: string,
  { min, max, fallback, ...rest }: Explained & { min: number; max: number; fallback: number },
): Setting<number> => ({
  name,
  ...rest,
  unit: rest.unit,
  shown: String(fallback),
  fallback,
  parse(value) {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new Error(`a whole number from ${min} to ${max}${rest.unit ? ` (${rest.unit})` : ''}`)
    }
    return number
  },
})

const UNITS = { s: SECOND, m: MINUTE, h: 60 * MINUTE, d: 24 * 60 * MINUTE } as const

/**
 * A duration such as `7d`, `36h`, `90m` or `30s`, parsed to milliseconds; `0` stands for none.
 *
 * @param shown the default, in the same form
 */
export const duration = (name: string, { shown, ...rest }: Explained & { shown: string }): Setting<number> => {
  const parse = (value: string) => {
    const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(value) ?? []
    if (value === '0') return 0
    if (count === undefined) throw new Error('a span of time such as 7d, 36h, 90m or 30s, or 0')
    return Number(count) * UNITS[unit as keyof typeof UNITS]
  }
  return { name, ...rest, unit: rest.unit, shown, fallback: parse(shown), parse }
}

/** One of the words in `of`, which is case-sensitive. */
export const choice = <const C extends string>(
  name: string,
  { of, fallback, ...rest }: Explained & { of: readonly C[]; fallback: C },
): Setting<C> => ({
  name,
  ...rest,
  unit: rest.unit ?? of.join(' | '),
  shown: fallback,
  fallback,
  parse(value) {
    const found = of.find((word) => word === value)
    if (found === undefined) throw new Error(`one of ${of.join(', ')}`)
    return found
  },
})

/** Entries separated by commas. @param parse of one entry; its errors complete "NAME is …, wants " */
const list = (
  name: string,
  { doc, unit, parse }: Explained & { parse: (entry: string) => string },
): Setting<readonly string[]> => ({
  name,
  doc,
  unit,
  shown: undefined,
  fallback: [],
  parse: (value) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean)
      .map(parse),
})

/** Host names without ports, normalised as in a URL; `*.example.com` stands for subdomains, `*` for any host. */
export const hosts = (name: string, { doc }: Explained): Setting<readonly string[]> =>
  list(name, {
    doc,
    unit: 'names, separated by commas',
    parse(entry) {
      if (entry === '*') return entry
      const [, wildcard = '', rest = ''] = /^(\*\.)?([^*:/@]+|\[[^\]]+\])$/.exec(entry) ?? []
      const host = rest && URL.parse(`http://${rest}/`)?.hostname.replace(/(.)\.$/, '$1')
      if (host) return wildcard + host
      throw new Error('names without ports, such as "app.example.com, *.example.org", or "*"')
    },
  })

/** IP addresses and networks (CIDR). */
export const networks = (name: string, { doc }: Explained): Setting<readonly string[]> =>
  list(name, {
    doc,
    unit: 'addresses, separated by commas',
    parse(entry) {
      if (ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry)) return entry
      throw new Error('addresses and networks, such as "10.0.0.7, 192.168.0.0/16, fd00::/8"')
    },
  })

/** Exact origins, normalised as in the `Origin` header: scheme, host, and port unless it is the default. */
export const origins = (name: string, { doc }: Explained): Setting<readonly string[]> =>
  list(name, {
    doc,
    unit: 'origins, separated by commas',
    parse(entry) {
      const url = URL.parse(entry)
      if (url && !entry.includes('*') && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`)
        return url.origin
      throw new Error('exact origins, such as "https://app.example.com, http://localhost:3000"')
    },
  })

/** The URL of a Postgres database (`postgres:` or `postgresql:`), kept as it is. */
export const databaseUrl = (
  name: string,
  { doc, shown }: Explained & { shown?: string },
): Setting<string | undefined> => ({
  name,
  doc,
  unit: 'postgres://user:password@host:5432/database',
  shown,
  fallback: undefined,
  parse(value) {
    if (!/^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? '')) {
      throw new Error('a URL such as postgres://user:password@host:5432/database')
    }
    return value
  },
})
