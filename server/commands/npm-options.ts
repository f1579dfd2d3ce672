import type { Command, Option } from 'commander'
import { CommandError } from './output.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Refuses options that npm took for itself: without `--`, `npm run sse-update tail … --from earliest` runs the command without
 * `--from`, and has `npm_config_from` in the environment. npm 11 passes no trace of `--key`, which is an old setting of its own.
 *
 * @param command that is about to run
 * @param args all arguments of the process
 * @throws {CommandError} with exit code 2
 */
export function refuseSwallowedOptions(command: Command, args: readonly string[], env: Environment): void {
  const script = env.npm_lifecycle_event
  if (script === undefined) return
  const swallowed = optionsOf(command, args).filter(
    ({ long }) => long && variablesOf(long).some((name) => env[name] !== undefined) && !isGiven(long, args),
  )
  if (swallowed.length === 0) return
  const names = swallowed.map(({ long }) => long).join(', ')
  const example = script === 'sse-update' ? `sse-update -- ${args[0]} …` : `${script} -- …`
  throw new CommandError(`npm took ${names} for itself; put -- before the options: npm run ${example}`, 2)
}

/** The options of a command and of the subcommand that is given. */
const optionsOf = ({ options, commands }: Command, args: readonly string[]): Option[] => [
  ...options,
  ...commands.filter((subcommand) => args.includes(subcommand.name())).flatMap((given) => optionsOf(given, args)),
]

/** npm 11 takes `--token` for an abbreviation of a setting of its own. */
const ABBREVIATED: Readonly<Record<string, string>> = { '--token': 'npm_config_token_description' }

/** npm's name for `--restart-cmd` is `npm_config_restart_cmd`. */
const variablesOf = (long: string): string[] => [
  `npm_config_${long.replace(/^--/, '').replaceAll('-', '_')}`,
  ...(ABBREVIATED[long] ? [ABBREVIATED[long]] : []),
]

const isGiven = (long: string, args: readonly string[]) =>
  args.some((argument) => argument === long || argument.startsWith(`${long}=`))
