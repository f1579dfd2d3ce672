import { expect, test } from 'bun:test'
import { settings } from '../platform/config.ts'
import type { Logger } from '../platform/logger.ts'
import { settingsHelp, warnOfMisspellings } from './settings-help.ts'

test('the help names every setting, with default and unit where it has them, and what it does', () => {
  const help = settingsHelp()
  for (const { name, doc } of Object.values(settings)) {
    expect(help).toContain(`  ${name}`)
    expect(help).toContain(`      ${doc}\n`)
  }
  expect(help).toContain('  HEARTBEAT_MS  (default 15000; ms)\n')
})

test('the help of some settings names no others', () => {
  const { doc } = settings.heartbeatMs
  expect(settingsHelp(['heartbeatMs'])).toBe(
    `\nSettings, from the environment:\n  HEARTBEAT_MS  (default 15000; ms)\n      ${doc}\n`,
  )
})

test('a start warns of a misspelled setting, without its value', () => {
  const lines: unknown[] = []
  const logger = { warn: (...line: unknown[]) => lines.push(line) } as unknown as Logger
  warnOfMisspellings(logger, { DATABASE_URI: 'postgres://user:secret@host/db', PORT: '1' })
  expect(lines).toEqual([
    [{ name: 'DATABASE_URI', setting: 'DATABASE_URL' }, 'DATABASE_URI is not a setting; did you mean DATABASE_URL?'],
  ])
})
