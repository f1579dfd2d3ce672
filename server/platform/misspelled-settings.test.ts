import { expect, test } from 'bun:test'
import { settings } from './config.ts'
import { misspelledSettings } from './misspelled-settings.ts'

test.each([
  ['HEARTBEATS_MS', 'HEARTBEAT_MS'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['retention', 'RETENTION'],
])('%s is a misspelling of %s', (name, setting) => {
  expect(misspelledSettings({ [name]: 'secret' })).toEqual([{ name, setting }])
})

test.each(['PORTS', 'HOSTS', 'HOSTNAME', 'PATH', 'HEARTBEAT', 'PGDATABASE', 'SSE_UPDATE_URL', 'npm_config_cache'])(
  '%s is a variable of others',
  (name) => {
    expect(misspelledSettings({ [name]: 'x' })).toEqual([])
  },
)

test('no setting is a misspelling of another', () => {
  const env = Object.fromEntries(Object.values(settings).map(({ name }) => [name, 'x']))
  expect(misspelledSettings(env)).toEqual([])
})
