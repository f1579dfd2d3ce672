#!/usr/bin/env bun
import { Command } from 'commander'
import { version } from '../package.json' with { type: 'json' }
import { hideArguments } from './commands/argument-errors.ts'
import { benchCommand } from './commands/bench.ts'
import { demoCommand } from './commands/demo.ts'
import { keyCommand } from './commands/key.ts'
import { migrateCommand } from './commands/migrate.ts'
import { refuseSwallowedOptions } from './commands/npm-options.ts'
import { reportFailure } from './commands/output.ts'
import { publishCommand } from './commands/publish.ts'
import { revokeCommand } from './commands/revoke.ts'
import { serveCommand } from './commands/serve.ts'
import { serveProcessCommand } from './commands/serve-process.ts'
import { settingsHelp } from './commands/settings-help.ts'
import { sqlCommand } from './commands/sql.ts'
import { tailCommand } from './commands/tail.ts'
import { tokenCommand } from './commands/token.ts'
import { verifyCommand } from './commands/verify.ts'
import { workCommand } from './commands/work.ts'

const program = new Command('sse-update')
  .description(
    'Live updates over Server-Sent Events, from Postgres: every event once and in order, on any number of instances.',
  )
  .version(version)
  .addCommand(serveCommand())
  .addCommand(serveProcessCommand(), { hidden: true })
  .addCommand(workCommand())
  .addCommand(migrateCommand())
  .addCommand(publishCommand())
  .addCommand(tailCommand())
  .addCommand(sqlCommand())
  .addCommand(tokenCommand())
  .addCommand(keyCommand())
  .addCommand(revokeCommand())
  .addCommand(demoCommand())
  .addCommand(benchCommand())
  .addCommand(verifyCommand())
  .configureHelp({ showGlobalOptions: true })
  .hook('preSubcommand', (_, command) => refuseSwallowedOptions(command, process.argv.slice(2), process.env))
  .addHelpText('after', () => settingsHelp())

// What nobody awaits fails like a command: without secrets.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => process.exit(reportFailure(error)))
}

try {
  await hideArguments(program).parseAsync()
  process.exit(0)
} catch (error) {
  process.exit(reportFailure(error))
}
