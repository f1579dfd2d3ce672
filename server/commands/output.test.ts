import { afterEach, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { ConfigError } from '../platform/config.ts'
import { MigrationError } from '../platform/migration-error.ts'
import { CommandError, createPainter, print, reportFailure } from './output.ts'

let error: ReturnType<typeof spyOn>
beforeEach(() => {
  error = spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => error.mockRestore())
const written = () => error.mock.calls.map(([line]: unknown[]) => line)

describe('a failure', () => {
  test('of the configuration is a line a problem, and ends with 2', () => {
    expect(reportFailure(new ConfigError(['PORT is "x"', 'HOST is ""']))).toBe(2)
    expect(written()).toEqual(['sse-update: PORT is "x"', 'sse-update: HOST is ""'])
  })

  test('of a command is its message, and ends with its exit code', () => {
    expect([reportFailure(new CommandError('wrong', 2)), reportFailure(new CommandError('broken'))]).toEqual([2, 1])
    expect(written()).toEqual(['sse-update: wrong', 'sse-update: broken'])
  })

  test('with an explanation is printed without a stack, with its hint', () => {
    const postgres = Object.assign(new Error('bad channel'), { name: 'PostgresError', hint: 'Use tokens.' })
    expect(reportFailure(postgres)).toBe(1)
    reportFailure(new MigrationError('migration.missing', 'Run migrate.'))
    expect(written()).toEqual(['sse-update: bad channel\nUse tokens.', 'sse-update: Run migrate.'])
  })

  test('that is unexpected is printed with its stack', () => {
    expect(reportFailure(new TypeError('x is undefined'))).toBe(1)
    expect(written()[0]).toContain('output.test.ts')
  })

  test('has its control characters escaped', () => {
    reportFailure(new CommandError('\u001b[31mred'))
    expect(written()[0]).not.toContain('\u001b')
  })
})

test('a line of output has its control characters escaped, line breaks too', () => {
  const log = spyOn(console, 'log').mockImplementation(() => {})
  print('a\nb\u001b[0m')
  expect(log.mock.calls).toEqual([['a\\u000ab\\u001b[0m']])
  log.mockRestore()
})

describe('colours', () => {
  const { NO_COLOR } = process.env
  afterEach(() => {
    if (NO_COLOR === undefined) delete process.env.NO_COLOR
    else process.env.NO_COLOR = NO_COLOR
  })

  test('are for a terminal alone, and not with NO_COLOR', () => {
    delete process.env.NO_COLOR
    expect(createPainter({ isTTY: true })('bold', 'x')).toBe('\u001b[1mx\u001b[0m')
    expect(createPainter({ isTTY: false })('bold', 'x')).toBe('x')
    expect(createPainter({})('bold', 'x')).toBe('x')
    process.env.NO_COLOR = '1'
    expect(createPainter({ isTTY: true })('bold', 'x')).toBe('x')
  })
})
