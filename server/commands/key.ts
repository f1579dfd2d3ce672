import { Command, Option } from 'commander'
import { createKey, hashKey } from '../auth/key-ring.ts'
import { type ListedKey, listKeys, revokeKey, storeKey } from '../auth/key-store.ts'
import { bindSubject } from '../auth/patterns.ts'
import { messageOf } from '../platform/errors.ts'
import { refuseCredential } from './credential.ts'
import { CommandError, print, printError } from './output.ts'
import { settingsHelp } from './settings-help.ts'
import { withDatabase } from './with-database.ts'

interface CreateOptions {
  name: string
  publish: string[]
  subscribe: string[]
  role: 'user' | 'operator'
}

/** The command `key`. */
export const keyCommand = () =>
  new Command('key')
    .description('Manage the keys by which backends authenticate. Only their hashes are stored.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
    .addHelpText('after', () => settingsHelp(['databaseUrl', 'dataDir']))

const createCommand = () =>
  new Command('create')
    .description('Create a key, and print it. It is shown this once.')
    .requiredOption('--name <name>', 'names the key in lists and logs; never used before')
    .option('--publish <pattern...>', 'channels that it may publish to, such as orders.>', [])
    .option('--subscribe <pattern...>', 'channels that it may read', [])
    .addOption(
      new Option('--role <role>', 'an operator sees and manages what belongs to all users, and reads /metrics')
        .choices(['user', 'operator'])
        .default('user'),
    )
    .addHelpText('after', `\nExample:\n  sse-update key create --name billing --publish 'orders.>' 'invoices.>'\n`)
    .action(create)

const listCommand = () =>
  new Command('list')
    .description('List the keys in Postgres, also those that were revoked; those of PUBLISH_KEYS are not among them.')
    .option('--json', 'print JSON lines')
    .action(async ({ json }: { json?: boolean }) => {
      const keys = await withDatabase(listKeys)
      for (const line of json ? keys.map((key) => JSON.stringify(key)) : keyTable(keys)) print(line)
    })

const revokeCommand = () =>
  new Command('revoke')
    .description('Revoke a key: all servers refuse it from now on, and end its streams.')
    .argument('<name>')
    .action(async (name: string) => {
      if (await withDatabase((database) => revokeKey(database, name))) print(`The key ${name} is revoked.`)
      else throw new CommandError(`There is no key ${name} that could be revoked: "sse-update key list" shows all.`)
    })

async function create({ name, publish, subscribe, role }: CreateOptions): Promise<void> {
  if (publish.length + subscribe.length === 0 && role === 'user') {
    throw new CommandError('The key could do nothing: give it --publish, --subscribe or --role operator.', 2)
  }
  refuseCredential(name, '--name takes a name that lists and logs show, not a key.')
  const key = createKey()
  const patterns = parsed(() => ({ publish: bindSubject(publish, name), subscribe: bindSubject(subscribe, name) }))
  await withDatabase((database) => storeKey(database, { name, hash: hashKey(key), role, ...patterns }))
  print(key)
  printError(
    'The key is shown this once. Send it as "Authorization: Bearer …". A server that was started without any key stays open to all clients until its next start.',
  )
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new CommandError(messageOf(error), 2)
  }
}

/** Columns of equal width, below a heading. */
function keyTable(keys: readonly ListedKey[]): string[] {
  const rows = [
    ['name', 'role', 'publish', 'subscribe', 'created', 'revoked'],
    ...keys.map(({ name, role, publish, subscribe, createdAt, revokedAt }) => [
      name,
      role,
      publish.join(' ') || '-',
      subscribe.join(' ') || '-',
      createdAt.toISOString(),
      revokedAt?.toISOString() ?? '-',
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
