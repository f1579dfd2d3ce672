import { distance } from 'fastest-levenshtein'
import { settings } from './config.ts'

/** Edits that still count as a misspelling (Levenshtein). */
const MAX_DISTANCE = 2
/** Characters of a name that is compared: shorter ones are near to too many others. */
const MIN_LENGTH = 6

/**
 * Environment variables that are no settings, but are spelled like one: `HEARTBEATS_MS` for `HEARTBEAT_MS`. Values are neither
 * read nor returned.
 */
export function misspelledSettings(env: Record<string, string | undefined>): { name: string; setting: string }[] {
  const known = Object.values(settings).map(({ name }) => name as string)
  const compared = known.filter((name) => name.length >= MIN_LENGTH)
  return Object.keys(env)
    .filter((name) => name.length >= MIN_LENGTH && !known.includes(name))
    .flatMap((name) => {
      const setting = compared.find((candidate) => distance(name.toUpperCase(), candidate) <= MAX_DISTANCE)
      return setting === undefined ? [] : [{ name, setting }]
    })
}
