import { describe, expect, test } from 'bun:test'
import { databaseProblem, databaseUnavailable, isUnreachable, outcomeOf } from './database-errors.ts'

const failure = (code: string, message = 'x') => Object.assign(new Error(message), { code })

describe('the outcome of a query that failed with', () => {
  test.each([
    ['ECONNREFUSED', 'unsent'],
    ['CONNECTION_ENDED', 'unsent'],
    ['28P01', 'unsent'],
    ['3D000', 'unsent'],
    ['57P03', 'unsent'],
    ['57014', 'unsent'],
    ['25006', 'unsent'],
    ['40001', 'unsent'],
    ['53100', 'unsent'],
    ['55P03', 'unsent'],
    ['CONNECTION_CLOSED', 'unknown'],
    ['57P01', 'unknown'],
    ['25P02', 'unknown'],
    ['XX000', 'unknown'],
    ['0A000', 'refused'],
    ['22P02', 'refused'],
    ['23505', 'refused'],
    ['42501', 'refused'],
    ['54001', 'refused'],
    ['P0001', 'refused'],
    ['SE001', 'refused'],
  ] as const)('%s is %s', (code, outcome) => {
    expect(outcomeOf(failure(code))).toBe(outcome)
    expect(isUnreachable(failure(code))).toBe(outcome !== 'refused')
  })

  test('no code is unknown', () => {
    expect(outcomeOf(new Error('no code'))).toBe('unknown')
    expect(outcomeOf(undefined)).toBe('unknown')
  })

  test.each([
    ['server login has been failing, try again later (server_login_retry)', 'unsent'],
    ['query_wait_timeout', 'unsent'],
    ['server conn crashed?', 'unknown'],
  ] as const)('a protocol violation of pgbouncer, "%s", is %s', (message, outcome) => {
    expect(outcomeOf(failure('08P01', message))).toBe(outcome)
    // The words count only with the code of pgbouncer.
    expect(outcomeOf(failure('XX000', message))).toBe('unknown')
  })
})

describe('a client learns', () => {
  test.each(['ECONNREFUSED', '57P03'])('of %s that nothing was changed, and when to try again', (code) => {
    const cause = failure(code)
    expect(databaseProblem(cause)).toMatchObject({
      code: 'database.unavailable',
      status: 503,
      retryAfter: 2,
      message: expect.stringContaining('Nothing was changed'),
      cause,
    })
  })

  test.each([
    'CONNECTION_CLOSED',
    'CONNECTION_DESTROYED',
    'QUERY_TIMEOUT',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    '57P01',
    '57P02',
    '08006',
  ])('of %s that the request may have been carried out', (code) => {
    const cause = failure(code)
    expect(databaseProblem(cause)).toMatchObject({ code: 'database.unknown', status: 503, retryAfter: 2, cause })
  })

  test.each(['23505', 'XX000', 'XECONNRESET'])('nothing of %s, which is no failure of the connection', (code) => {
    expect(databaseProblem(failure(code))).toBeUndefined()
    expect(databaseProblem(new Error('a bug'))).toBeUndefined()
  })

  test('why the database is unavailable, in the cause alone', () => {
    const cause = new Error('password authentication failed for user "x"')
    const problem = databaseUnavailable(cause)
    expect(problem.cause).toBe(cause)
    expect(problem.message).not.toContain('password')
  })
})
