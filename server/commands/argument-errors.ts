import type { Command } from 'commander'
import { printError } from './output.ts'

/**
 * Makes a command and its subcommands report wrong arguments without the values that were given: a password or a token may stand
 * in the place of any of them. What is wrong, and help that was asked for, is then thrown as a `CommanderError`.
 */
export function hideArguments(command: Command): Command {
  command.exitOverride()
  command.configureOutput({ outputError: (message) => printError(withoutValues(message).trimEnd()) })
  command.commands.forEach(hideArguments)
  return command
}

/** How commander shows what was typed, and what is shown instead. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/( (?:argument|value)) '.*'( is invalid)/s, "$1 '…'$2"],
  // A misspelled command is shown, because no secret is a short word.
  [/(unknown command) '(?![a-z-]{1,16}'(?:\n|$)).*'/s, "$1 '…'"],
  [/(unknown option '(?:--[a-z-]{0,40}|-[^-]))(?:(?!'\n|'$).)*/s, '$1'],
  [/(but got \d+):.*/s, '$1.'],
]

/** An error message of commander, without the values of options and arguments. */
export const withoutValues = (message: string): string =>
  FORMS.reduce((result, [form, replacement]) => result.replace(form, replacement), message)
