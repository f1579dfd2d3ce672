import { type Config, isDatabaseUrl, settings } from './config.ts'

/** Members of JSON settings that are secrets. */
const SECRET_MEMBER = /"(?:secret|key)"\s*:\s*("(?:[^"\\]|\\.)*")/g

/**
 * The values that no output may show: secret settings, the secrets inside them, and the passwords of databases.
 *
 * @param textOf the text of a setting, from the environment or from the configuration
 */
export function secretsOf(textOf: (key: keyof Config) => unknown): string[] {
  return (Object.keys(settings) as (keyof Config)[]).flatMap((key) => {
    const value = textOf(key)
    if (typeof value !== 'string') return []
    if (settings[key].unit === 'secret')
      return [value, ...[...value.matchAll(SECRET_MEMBER)].map(([, text]) => parsed(text))]
    return isDatabaseUrl(settings[key]) ? passwordsOf(value) : []
  })
}

/** The secrets of an environment, which may be invalid. */
export const secretsOfEnvironment = (env: Record<string, string | undefined>): string[] =>
  secretsOf((key) => env[settings[key].name]?.trim())

function parsed(text = '""'): string {
  try {
    return JSON.parse(text) as string
  } catch {
    return text
  }
}

/** As it is in the URL, and decoded. */
function passwordsOf(url: string): string[] {
  const { password = '', searchParams } = URL.parse(url) ?? {}
  const all = [password, searchParams?.get('password') ?? '']
  try {
    return [...all, decodeURIComponent(password)]
  } catch {
    return all
  }
}
