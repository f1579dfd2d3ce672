import { Option } from 'commander'
import { CommandError } from './output.ts'

/** `--token`: a token or a key, which a command sends with each request. */
export const tokenOption = () =>
  new Option('--token <token>', 'token or key, sent as "Authorization: Bearer"')
    .env('SSE_UPDATE_TOKEN')
    .argParser(parseCredential)

/** The headers that a credential is sent in; none without one. */
export const authorizationOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

/** Says how to get a credential, after the detail of a 401. */
export const CREDENTIAL_HINT =
  'Pass a token or a key with --token or SSE_UPDATE_TOKEN: "sse-update token --sub me" prints a token for development, "sse-update key create" makes a key.'

/**
 * Refuses a token or key in the place of a name, which is stored and shown.
 *
 * @param wanted what belongs there, as a sentence
 * @throws {CommandError} with exit code 2
 */
export function refuseCredential(value: string, wanted: string): void {
  if (/^(ssek_|eyJ[\w-]*\.)/.test(value)) throw new CommandError(wanted, 2)
}

/** Not `InvalidArgumentError`, whose report shows the value. An empty variable is a missing one. */
function parseCredential(value: string): string | undefined {
  const credential = value.trim()
  if (credential === '') return undefined
  if (/^[\w.~+/=-]+$/.test(credential)) return credential
  throw new CommandError('--token (or SSE_UPDATE_TOKEN) is neither a token nor a key: it has other characters.', 2)
}
