import { redact } from './redact.ts'
import { accessSettings } from './settings/access.ts'
import { databaseSettings } from './settings/database.ts'
import { limitsSettings } from './settings/limits.ts'
import { networkSettings } from './settings/network.ts'
import { processSettings } from './settings/process.ts'
import { retentionSettings } from './settings/retention.ts'
import type { Setting } from './settings/setting.ts'
import { streamsSettings } from './settings/streams.ts'
import { tasksSettings } from './settings/tasks.ts'

/**
 * Every setting, in the order of the help text. Names and defaults are stable; `doc` is shown by `--help` and in the
 * README.
 */
export const settings = {
  ...networkSettings,
  ...accessSettings,
  ...databaseSettings,
  ...streamsSettings,
  ...retentionSettings,
  ...limitsSettings,
  ...tasksSettings,
  ...processSettings,
} as const

/**
 * The settings as values: durations in milliseconds, sizes in bytes; `undefined` where a setting without a default is
 * unset.
 */
export type Config = { readonly [K in keyof typeof settings]: (typeof settings)[K]['fallback'] }

/** The environment holds invalid settings; `problems` has one line for each. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

/**
 * Reads and validates the environment. A variable that is empty or only white space counts as missing.
 *
 * @throws {ConfigError} with the value and the expected form of every invalid variable
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = []
  const read = (setting: Setting<unknown>) => {
    const value = env[setting.name]?.trim()
    if (!value) return setting.fallback
    try {
      return setting.parse(value)
    } catch (error) {
      problems.push(`${setting.name} is ${shownValue(setting, value)}, wants ${(error as Error).message}`)
      return setting.fallback
    }
  }
  const config = Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, read(setting)]))
  if (problems.length > 0) throw new ConfigError(problems)
  return config as Config
}

/** A refused value as an error shows it: no secret, and of a URL that may have a password only what follows it. */
function shownValue(setting: Setting<unknown>, value: string): string {
  if (setting.unit === 'secret') return '…'
  return JSON.stringify(isDatabaseUrl(setting) ? redact(value).replace(/^.*@/, '…@') : redact(value))
}

/** Whether a setting is the URL of a database, which may hold a password. */
export const isDatabaseUrl = ({ name }: Pick<Setting<unknown>, 'name'>): boolean =>
  name === settings.databaseUrl.name || name === settings.databaseListenUrl.name
