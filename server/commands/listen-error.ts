import { ListenError } from '../http-server.ts'
import type { Config } from '../platform/config.ts'
import { CommandError } from './output.ts'

/** Rethrows the error of a start; one of listening as a line for an operator. Others of the network may be of Postgres. */
export function throwStartError(error: unknown, config: Pick<Config, 'host' | 'port'>): never {
  throw error instanceof ListenError ? new CommandError(describeListenError(error, config)) : error
}

function describeListenError({ code, message }: ListenError, { host, port }: Pick<Config, 'host' | 'port'>): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use by another process. Choose another port with PORT.`
    case 'EADDRNOTAVAIL':
    case 'ENOTSUP':
    case 'ENOTFOUND':
    // What Bun reports for a name that has no address.
    case 'EINPROGRESS':
      return `HOST is ${JSON.stringify(host)}, which is not an address of this machine.`
    default:
      return `Port ${port} on ${host} can't be used (HOST, PORT): ${message}`
  }
}
