import { type Config, settings } from '../platform/config.ts'

/** A help text on some of the settings: name, default, unit and what each does. */
export function settingsHelp(keys: readonly (keyof Config)[] = Object.keys(settings) as (keyof Config)[]): string {
  const lines = keys.flatMap((key) => {
    const { name, doc, shown, unit } = settings[key]
    const facts = [shown !== undefined && `default ${shown}`, unit].filter(Boolean).join('; ')
    return [`  ${name}${facts ? `  (${facts})` : ''}`, `      ${doc}`]
  })
  return `\nSettings, from the environment:\n${lines.join('\n')}\n`
}
