import { Option } from 'commander'
import { settings } from '../platform/config.ts'
import { messageOf } from '../platform/errors.ts'
import { withoutPassword } from '../platform/redact.ts'
import { CREDENTIAL_HINT } from './credential.ts'
import { CommandError } from './output.ts'

/** `--url`: the server that a command talks to. Defaults to the one that the environment's settings describe, on this machine. */
export const urlOption = () =>
  new Option('--url <url>', 'server to talk to')
    .env('SSE_UPDATE_URL')
    .default(
      `${process.env[settings.tlsCertFile.name] ? 'https' : 'http'}://localhost:${process.env.PORT || settings.port.fallback}`,
    )
    .argParser(parseUrl)

/** `--url`, once for each instance of a deployment. */
export function urlsOption(): Option {
  const { defaultValue } = urlOption()
  return new Option('--url <url...>', 'instances of the deployment')
    .env('SSE_UPDATE_URL')
    .default([defaultValue])
    .argParser((value: string, previous: string[]) => {
      const url = parseUrl(value)
      return previous.length === 1 && previous[0] === defaultValue ? [url] : [...previous, url]
    })
}

function parseUrl(value: string): string {
  const url = URL.parse(value)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/$/, '')
  throw new CommandError(
    `--url is ${JSON.stringify(withoutPassword(value))}, expected a URL such as http://localhost:8080`,
    2,
  )
}

/** The detail, status and code of a problem document; the status alone for other responses. For 401, also what to do. */
export async function problemOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { detail?: string; code?: string } | null
  const problem = body?.detail
    ? `${body.detail} (${response.status} ${body.code})`
    : `the server responded with status ${response.status}`
  return response.status === 401 ? `${problem}\n${CREDENTIAL_HINT}` : problem
}

/** The error of a command when no server responds at `url`. */
export const noResponse = (url: string, error: unknown): CommandError =>
  new CommandError(
    `No response from ${withoutPassword(url)} (${messageOf(error)}). Is the server running? Choose another with --url.`,
  )

/**
 * Checks that a server responds, before a command waits for its streams.
 *
 * @throws {CommandError} when there is no response within 5 s
 */
export async function checkServed(url: string): Promise<void> {
  const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5000) }).catch((error) => {
    throw noResponse(url, error)
  })
  await response.body?.cancel()
}
