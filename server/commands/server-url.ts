import { Option } from 'commander'
import { settings } from '../platform/config.ts'
import { CommandError } from './output.ts'

/** `--url`: the server that a command talks to. */
export const urlOption = () =>
  new Option('--url <url>', 'server to talk to')
    .env('SSE_UPDATE_URL')
    .default(`http://localhost:${process.env.PORT || settings.port.fallback}`)
    .argParser(parseUrl)

function parseUrl(value: string): string {
  const url = URL.parse(value)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/$/, '')
  throw new CommandError(`--url is ${JSON.stringify(value)}, wants a URL such as http://localhost:8080`, 2)
}

/** What the server said was wrong, from its problem document. */
export async function problemOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { detail?: string; code?: string }
  return body.detail ? `${body.detail} (${response.status} ${body.code})` : `the server answered ${response.status}`
}
