import pino from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'

export type Logger = pino.Logger

/** Logs to standard error, so that a command's output stays alone on standard output. */
export function createLogger({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY)
  const destination = isPretty
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
    : pino.destination({ dest: 2, sync: true })
  return pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}
