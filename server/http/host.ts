import { isIPv4 } from 'node:net'
import { AppError } from '../platform/errors.ts'

/** The names of this server. */
export interface HostCheckOptions {
  /** The address or name that the server listens on (`HOST`). */
  listen: string
  /** Further names (`ALLOWED_HOSTS`): `app.example.com`, `*.example.com` for its subdomains, `*` for any. */
  allowed: readonly string[]
}

/** Checks a `Host` header. @throws {AppError} `host.invalid` (400), `host.unknown` (421) */
export type HostCheck = (header: string | null) => void

/** RFC 9112, section 3.2: a name or an address, and a port. Two header fields reach us as one, joined by a comma. */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{0,5})?$/i
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]'])

/**
 * Refuses requests for names that are not this server's: after DNS rebinding, only the name distinguishes a page of the
 * attacker from a page of this server. Accepted are
 *
 * - the names and addresses of loopback, and what `HOST` and `ALLOWED_HOSTS` name,
 * - every IP address when the server listens on more than loopback: an address cannot be rebound,
 * - requests without a `Host` header (HTTP/1.0, health checks): every browser sends one.
 */
export function createHostCheck({ listen, allowed }: HostCheckOptions): HostCheck {
  if (allowed.includes('*')) return (header) => void parse(header)
  const own = canonical(isIPv6(listen) ? `[${listen}]` : listen)
  const isExposed = own !== undefined && !LOOPBACK.test(own)
  const names = new Set([...allowed, ...(own !== undefined && !WILDCARDS.has(own) ? [own] : [])])
  const suffixes = allowed.filter((name) => name.startsWith('*.')).map((name) => name.slice(1))
  const isKnown = (name: string) =>
    LOOPBACK.test(name) ||
    names.has(name) ||
    (isExposed && isAddress(name)) ||
    suffixes.some((suffix) => name.endsWith(suffix))
  // Nearly all requests have the same header.
  let accepted: string | undefined
  return (header) => {
    if (header === accepted) return
    const name = parse(header)
    if (name !== undefined && !isKnown(name)) throw unknown(name)
    accepted = header ?? undefined
  }
}

/** The name in a `Host` header, in lower case, without port and trailing dot; `undefined` without a header. */
function parse(header: string | null): string | undefined {
  if (header === null) return undefined
  const name = HOST.test(header) ? canonical(header) : undefined
  if (name !== undefined) return name
  throw new AppError(
    'host.invalid',
    'A request has one Host header, with a name or an address and at most a port, such as "localhost:8080".',
  )
}

/** As a browser writes it: `127.1` is `127.0.0.1`, and `LOCALHOST.` is `localhost`. */
const canonical = (host: string) => URL.parse(`http://${host}/`)?.hostname.replace(/(.)\.$/, '$1')

const isIPv6 = (address: string) => address.includes(':') && !address.startsWith('[')

const isAddress = (name: string) => name.startsWith('[') || isIPv4(name)

const unknown = (name: string) =>
  new AppError(
    'host.unknown',
    `This server does not serve the host "${name.slice(0, 255)}". Use localhost or the address it listens on, or add the name to the setting ALLOWED_HOSTS.`,
    { status: 421 },
  )
