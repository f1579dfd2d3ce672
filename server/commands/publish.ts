import { Command } from 'commander'
import { messageOf } from '../platform/errors.ts'
import { authorizationOf, tokenOption } from './credential.ts'
import { CommandError, print } from './output.ts'
import { noResponse, problemOf, urlOption } from './server-url.ts'

interface PublishOptions {
  url: string
  key?: string
  text?: boolean
  token?: string
}

/** `sse-update publish`. */
export const publishCommand = () =>
  new Command('publish')
    .description('Publish one event over HTTP, and print its position in the log once it is durable.')
    .argument('<channel>', 'dot-separated tokens, such as orders.alice.17')
    .argument('<type>', 'type of the event, such as order.paid')
    .argument('[data]', 'JSON, or text with --text; "-" reads it from standard input', 'null')
    .addOption(urlOption())
    .addOption(tokenOption())
    .option('--key <key>', 'idempotency key: a repetition with the same key publishes nothing')
    .option('--text', 'the data is text, such as HTML: it is published as a JSON string')
    .addHelpText(
      'after',
      `\nExamples:\n  sse-update publish orders.alice.1 order.paid '{"total":12}'\n  sse-update publish news message --text - <item.html\n`,
    )
    .action(publish)

async function publish(
  channel: string,
  type: string,
  data: string,
  { url, key, text = false, token }: PublishOptions,
): Promise<void> {
  const given = data === '-' ? await Bun.stdin.text() : data
  const json = text ? JSON.stringify(given) : checkedJson(given)
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...authorizationOf(token),
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    // The data is sent as it was typed.
    body: `{"channel":${JSON.stringify(channel)},"type":${JSON.stringify(type)},"data":${json}}`,
  }).catch((error) => {
    throw noResponse(url, error)
  })
  if (!response.ok) throw new CommandError(await problemOf(response))
  const { position } = (await response.json()) as { position: number }
  print(String(position))
}

function checkedJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw new CommandError(`The data is not JSON (${messageOf(error)}). Publish text with --text.`, 2)
  }
}
