import { withoutPassword } from '../platform/redact.ts'
import type { Report } from '../verification/verification.ts'
import { CREDENTIAL_HINT } from './credential.ts'
import { CommandError } from './output.ts'

/** The error of a run whose streams did not open, with what to do about it. */
export function streamsClosed({ message }: Error, urls: readonly string[]): CommandError {
  const problem = `The streams do not open: ${message}.`
  if (message.includes('status 401')) return new CommandError(`${problem}\n${CREDENTIAL_HINT}`)
  if (message.includes('status 403')) {
    return new CommandError(`${problem} The token or key must be allowed to read and publish verify.>`)
  }
  return new CommandError(`${problem} Are all instances at ${urls.map(withoutPassword).join(', ')} running?`)
}

/** The error of a run whose ledger is not clean. @param problem why a publish request failed last; empty for none */
export function notClean({ published, acknowledged }: Report, problem: string): CommandError {
  const cause = acknowledged < published && problem !== '' ? ` The last publish that failed: ${problem}` : ''
  return new CommandError(`The ledger is not clean.${cause}`)
}
