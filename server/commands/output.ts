import { CommanderError } from 'commander'
import { ConfigError } from '../platform/config.ts'
import { secretsOfEnvironment } from '../platform/config-secrets.ts'
import { messageOf } from '../platform/errors.ts'
import { escapeControls, escapeControlsOfLines } from '../platform/printable.ts'
import { createRedactor } from '../platform/redact.ts'

/** A command has failed; reported as one line, without a stack. */
export class CommandError extends Error {
  override name = 'CommandError'
  constructor(
    message: string,
    /** `2` for wrong arguments or settings, `1` for other failures. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message)
  }
}

/** Writes a line to standard output. Control characters, which may come from the log or the server, are escaped. */
export const print = (line: string): void => console.log(escapeControls(line))

/** Writes lines to standard error, with control characters escaped and secrets replaced. */
export function printError(lines: string): void {
  const redact = createRedactor([...secretsOfEnvironment(process.env), process.env.SSE_UPDATE_TOKEN ?? ''])
  console.error(escapeControlsOfLines(redact(lines)))
}

/** Reports an error on standard error. @returns the exit code */
export function reportFailure(error: unknown): number {
  // Commander has printed it; help and the version are no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) {
    for (const problem of error.problems) printError(`sse-update: ${problem}`)
    return 2
  }
  if (error instanceof CommandError) {
    printError(`sse-update: ${error.message}`)
    return error.exitCode
  }
  if (error instanceof Error && KNOWN.has(error.name)) {
    const hint = 'hint' in error && error.hint ? `\n${error.hint}` : ''
    printError(`sse-update: ${messageOf(error)}${hint}`)
  } else {
    printError(Bun.inspect(error))
  }
  return 1
}

/** Errors whose message suffices; others are reported with their stack. */
const KNOWN = new Set(['MigrationError', 'NoPostgresError', 'PostgresError'])

type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'yellow'
const CODES: Record<Style, number> = { bold: 1, dim: 2, cyan: 36, green: 32, yellow: 33 }

/** Colours text for a terminal. In a pipe, or with NO_COLOR, text stays plain. */
export function createPainter(stream: { isTTY?: boolean }): (style: Style, text: string) => string {
  const isColoured = stream.isTTY === true && !process.env.NO_COLOR
  return (style, text) => (isColoured ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}
