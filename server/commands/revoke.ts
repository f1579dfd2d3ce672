import { Command } from 'commander'
import { refuseCredential } from './credential.ts'
import { CommandError, print } from './output.ts'
import { settingsHelp } from './settings-help.ts'
import { withDatabase } from './with-database.ts'

interface RevokeOptions {
  token?: string
  subject?: string
}

/** The command `revoke`. */
export const revokeCommand = () =>
  new Command('revoke')
    .description('Revoke a token, or all tokens that a subject has: all servers refuse them, and end their streams.')
    .option('--token <jti>', 'the id of one token (claim jti), not the token itself')
    .option('--subject <sub>', 'all tokens of a subject that were issued until now')
    .addHelpText(
      'after',
      () => `\nKeys are revoked by name: sse-update key revoke <name>\n${settingsHelp(['databaseUrl', 'dataDir'])}`,
    )
    .action(revoke)

async function revoke({ token, subject }: RevokeOptions): Promise<void> {
  const value = token ?? subject
  if (value === undefined || value === '' || (token !== undefined && subject !== undefined)) {
    throw new CommandError('Give either --token or --subject.', 2)
  }
  // A token or key in the place of an id would be stored, and would revoke nothing.
  refuseCredential(
    value,
    token === undefined
      ? '--subject takes the subject of the tokens (claim sub), not a token.'
      : '--token takes the id of the token (claim jti), not the token itself.',
  )
  const kind = token === undefined ? 'subject' : 'token'
  await withDatabase((database) => database.query((sql) => sql`select sse.revoke(${kind}, ${value})`))
  print(kind === 'token' ? 'The token is revoked.' : 'The tokens of the subject are revoked.')
}
