import { type Config, settings } from '../platform/config.ts'
import type { Logger } from '../platform/logger.ts'
import { misspelledSettings } from '../platform/misspelled-settings.ts'

/** The help text on some of the settings, by default all: name, default, unit and meaning. */
export function settingsHelp(keys: readonly (keyof Config)[] = Object.keys(settings) as (keyof Config)[]): string {
  const lines = keys.flatMap((key) => {
    const { name, doc, shown, unit } = settings[key]
    const facts = [shown !== undefined && `default ${shown}`, unit].filter(Boolean).join('; ')
    return [`  ${name}${facts ? `  (${facts})` : ''}`, `      ${doc}`]
  })
  return `\nSettings, from the environment:\n${lines.join('\n')}\n`
}

/** Logs each environment variable that is spelled almost like a setting. */
export function warnOfMisspellings(logger: Logger, env: Record<string, string | undefined> = process.env): void {
  for (const { name, setting } of misspelledSettings(env)) {
    logger.warn({ name, setting }, `${name} is not a setting; did you mean ${setting}?`)
  }
}
