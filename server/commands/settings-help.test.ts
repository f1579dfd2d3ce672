import { expect, test } from 'bun:test'
import { settings } from '../platform/config.ts'
import { settingsHelp } from './settings-help.ts'

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
