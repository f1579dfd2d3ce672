import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js'

type Address = IPv4 | IPv6
type Network = readonly [Address, number]

/** A request, and the server that knows the address of its connection. */
export interface Incoming {
  request: Request
  server: { requestIP(request: Request): { address: string } | null } | null
}

/** The address that the limits of a client count by; empty when the connection is gone. */
export type AddressOf = (incoming: Incoming) => string

/** Whether a request came over TLS, to this server or to a trusted proxy. */
export type IsSecure = (request: Request) => boolean

/** Bits of an IPv6 address that a provider gives to one customer, who has all addresses behind them (RFC 6177). */
const IPV6_PREFIX = 64
/** Addresses of `X-Forwarded-For` that are read, from the last. */
const MAX_HOPS = 16

/**
 * Finds the address of a client. `X-Forwarded-For` counts as far as trusted proxies have written it: from the right, the first
 * address that is not a trusted proxy. Whatever else the header holds, the client can have written itself.
 *
 * @param trusted addresses and networks (CIDR) of proxies; without any, the header is ignored
 * @returns a function whose results for IPv6 are networks of 64 bits, such as `2001:db8:1:2::/64`
 */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const trace = createTrace(trusted)
  return (incoming) => {
    const { address } = trace(incoming)
    return address ? nameOf(address) : ''
  }
}

/**
 * Finds out whether a request came over TLS. `X-Forwarded-Proto` counts only from a trusted proxy. Proxies replace it; of those that
 * append to it, each has written the entry beside its own in `X-Forwarded-For`.
 *
 * @param trusted see {@link createAddressOf}
 * @param server that has the connection of a request; `null` before the start
 */
export function createIsSecure(trusted: readonly string[], server: () => Incoming['server']): IsSecure {
  const trace = createTrace(trusted)
  return (request) => {
    const header = trusted.length > 0 ? request.headers.get('x-forwarded-proto') : null
    if (header === null) return request.url.startsWith('https:')
    const { proxies } = trace({ request, server: server() })
    if (proxies === 0) return request.url.startsWith('https:')
    const schemes = header.split(',').slice(-MAX_HOPS)
    return schemes[Math.max(0, schemes.length - proxies)]?.trim().toLowerCase() === 'https'
  }
}

/** The way of a request, from this server back to the first address that is not a trusted proxy. */
interface Trace {
  /** `undefined` when the connection is gone. */
  address: Address | undefined
  /** Trusted proxies on the way. */
  proxies: number
}

function createTrace(trusted: readonly string[]): (incoming: Incoming) => Trace {
  const networks = trusted.map(parseNetwork)
  const isTrusted = (address: Address) => networks.some((network) => contains(network, address))
  return ({ request, server }) => {
    let address = parse(server?.requestIP(request)?.address)
    const hops = networks.length > 0 ? (request.headers.get('x-forwarded-for') ?? '').split(',').slice(-MAX_HOPS) : []
    let proxies = 0
    while (address && isTrusted(address)) {
      proxies++
      const hop = parse(hops.pop()?.trim())
      if (!hop) break
      address = hop
    }
    return { address, proxies }
  }
}

/**
 * An address or a network, such as `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
 *
 * @throws {Error} when it is neither
 */
export function parseNetwork(text: string): Network {
  const [address, length] = text.includes('/') ? ipaddr.parseCIDR(text) : [ipaddr.parse(text), undefined]
  return [address, length ?? (address.kind() === 'ipv4' ? 32 : 128)]
}

/** IPv4 addresses that IPv6 sockets report (`::ffff:10.0.0.7`) are IPv4; `undefined` for what is no address. */
const parse = (text: string | undefined): Address | undefined =>
  text !== undefined && ipaddr.isValid(text) ? ipaddr.process(text) : undefined

const contains = ([network, length]: Network, address: Address) =>
  network.kind() === address.kind() && address.match(network as IPv4 & IPv6, length)

function nameOf(address: Address): string {
  if (address.kind() === 'ipv4') return address.toString()
  const { parts } = address as IPv6
  return `${new ipaddr.IPv6([...parts.slice(0, IPV6_PREFIX / 16), 0, 0, 0, 0])}/${IPV6_PREFIX}`
}
