/** Streams for each host name: a browser has six HTTP/1.1 connections, and the page needs some itself. */
const PER_NAME = 5
/**
 * Sockets that Chromium has in total (256), without those that the page itself needs. The server accepts as many streams on one
 * HTTP/2 connection.
 */
const MOST = 240
/** The server accepts 100 streams on an HTTP/3 connection; those that have ended count until it raises the limit, in steps. */
const MOST_H3 = 40

/** Where streams can be opened from a page. */
export interface Addresses {
  /** Most streams that this browser can open here. */
  limit: number
  /** Why this is the limit, for people. */
  explanation: string
  /** The address of stream number `index`. @param port of an instance on this machine. Defaults to the page's own */
  of: (index: number, port?: string) => string
}

/** With `LAB=on`, the server lets pages under these names read the streams under others. */
const isOfThisMachine = (host: string) => host === 'localhost' || host === '127.0.0.1'

/**
 * How many streams can be opened from here, and under which names: over HTTP/2 and HTTP/3 they share a connection; over
 * HTTP/1.1 a browser has six for each name, but a machine has any number of names for itself, `*.localhost` (RFC 6761, section 6.3).
 *
 * @param isLab whether the server lets pages read streams under its other names (LAB)
 * @param protocol of this page, as `performance.getEntriesByType('navigation')[0].nextHopProtocol` has it
 */
export function addressesFor(page: URL, protocol: string, isLab: boolean): Addresses {
  if (protocol === 'h2') {
    return { limit: MOST, explanation: 'Over HTTP/2 all streams share one connection.', of: () => '/events' }
  }
  if (protocol === 'h3') {
    return { limit: MOST_H3, explanation: 'Over HTTP/3 all streams share one connection.', of: () => '/events' }
  }
  if (isLab && page.protocol === 'http:' && isOfThisMachine(page.hostname)) {
    return {
      limit: MOST,
      explanation: `Over HTTP/1.1 a browser has six connections for each name, so the streams go to s0.localhost, s1.localhost, …; more than ${MOST} it does not open.`,
      of: (index, port = page.port) => `http://s${Math.floor(index / PER_NAME)}.localhost:${port}/events`,
    }
  }
  return {
    limit: 4,
    explanation:
      'Over HTTP/1.1 a browser has six connections for each name. Over HTTP/2, or on localhost with LAB=on, there are more.',
    of: () => '/events',
  }
}

/** Whether streams can be opened at a certain instance: only where each has an address of its own. */
export const canChooseInstance = ({ of }: Addresses): boolean => of(0) !== '/events'
