import { Command, InvalidArgumentError, Option } from 'commander'
import { mintToken } from '../auth/token-minter.ts'
import { loadConfig } from '../platform/config.ts'
import { messageOf } from '../platform/errors.ts'
import { duration } from '../platform/settings/setting.ts'
import { CommandError, print, printError } from './output.ts'
import { settingsHelp } from './settings-help.ts'

interface TokenOptions {
  sub: string
  subscribe?: string[]
  publish?: string[]
  role?: 'user' | 'operator'
  ttl?: number
  jti?: string | true
}

/** The command `token`. */
export const tokenCommand = () =>
  new Command('token')
    .description('Print a token for development, signed with JWT_SECRET, for servers that have the same secret.')
    .requiredOption('--sub <subject>', 'user whom the token is for')
    .option(
      '--subscribe <pattern...>',
      'channels that may be read; {sub} is the subject (default: their orders, tasks and notifications, and broadcast)',
    )
    .option('--publish <pattern...>', 'channels that may be published to (default: none; all for an operator)')
    .addOption(new Option('--role <role>', 'an operator sees and manages what belongs to all users').choices(ROLES))
    .option('--ttl <duration>', 'how long the token is valid, such as 90s, 30m, 12h or 7d (default: 1h)', parseDuration)
    .option('--jti [id]', 'give the token an id, by which it can be revoked; it is printed on standard error')
    .addHelpText(
      'after',
      () =>
        `\nExample:\n  curl -H "Authorization: Bearer $(sse-update token --sub alice --subscribe 'orders.{sub}.>')" 'localhost:8080/events?channel=orders.alice.>'\n${settingsHelp(['jwtSecret', 'jwtIssuer', 'jwtAudience', 'jwtSubscribeClaim', 'jwtPublishClaim', 'jwtRoleClaim'])}`,
    )
    .action(token)

const ROLES = ['user', 'operator']

async function token({ sub, subscribe, publish, role, ttl = parseDuration('1h'), jti }: TokenOptions): Promise<void> {
  const { jwtSecret, ...config } = loadConfig(process.env)
  if (jwtSecret === undefined) {
    throw new CommandError(
      'JWT_SECRET is not set. Run the server and this command with the same one; "openssl rand -base64 48" makes one. A server with JWT_PUBLIC_KEY, JWKS_URL or JWT_ISSUERS takes tokens of its issuers.',
      2,
    )
  }
  const tokenId = jti === true ? crypto.randomUUID() : jti
  const request = { subject: sub, subscribe, publish, role, lifetime: ttl, tokenId }
  const signed = await mintToken({ ...config, jwtSecret }, request).catch((error) => {
    throw new CommandError(messageOf(error), 2)
  })
  print(signed)
  if (tokenId !== undefined) printError(`id: ${tokenId}`)
}

function parseDuration(value: string): number {
  try {
    const lifetime = duration('--ttl', { doc: '', shown: '0' }).parse(value)
    if (lifetime > 0) return lifetime
  } catch {}
  throw new InvalidArgumentError('It is a duration such as 90s, 30m, 12h or 7d.')
}
