import pino from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'
import { secretsOf } from './config-secrets.ts'
import { escapeControls, escapeControlsOfLines } from './printable.ts'
import { createRedactor } from './redact.ts'

/** A logger, or a child of it for one part (`logger.child({ part: 'relay' })`). */
export type Logger = pino.Logger

/** Properties of logged objects that hold credentials. */
const CREDENTIALS = ['authorization', 'cookie', '["set-cookie"]'].flatMap((name) => {
  const path = name.startsWith('[') ? name : `.${name}`
  return [name, `*${path}`, `*.*${path}`]
})

/**
 * Logs to standard error, so that a command's output stays alone on standard output. Control characters are escaped, and
 * secrets are replaced: those of the configuration, and whatever has the form of a credential.
 */
export function createLogger(config: Pick<Config, 'logLevel' | 'logFormat'> & Partial<Config>): Logger {
  const { logLevel, logFormat } = config
  const redact = createRedactor(secretsOf((key) => config[key]))
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY)
  const destination = isPretty
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
    : pino.destination({ dest: 2, sync: true })
  const write = isPretty ? safeToDecode : safeToPrint
  const streamWrite = (line: string) => write(redact(line))
  return pino(
    {
      level: logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: CREDENTIALS,
      hooks: { streamWrite },
    },
    destination,
  )
}

/** A line of JSON, with what JSON leaves as it is (C1, bidirectional controls) escaped too. */
const safeToPrint = (line: string) => `${escapeControls(line.trimEnd())}\n`

/** A line of JSON whose strings hold no control characters even when they have been decoded; stacks keep their lines. */
function safeToDecode(line: string): string {
  const escapeValue = (key: string, value: unknown) => {
    if (typeof value !== 'string') return value
    return key === 'stack' ? escapeControlsOfLines(value) : escapeControls(value)
  }
  return `${JSON.stringify(JSON.parse(line), escapeValue)}\n`
}
