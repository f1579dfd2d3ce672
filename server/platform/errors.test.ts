import { describe, expect, test } from 'bun:test'
import { AppError, codeOf, messageOf, tooDeep } from './errors.ts'

describe('an application error', () => {
  test('is the fault of the client unless it says otherwise', () => {
    const error = new AppError('channel.invalid', 'A token is empty.')
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'channel.invalid',
      message: 'A token is empty.',
      status: 400,
      closesConnection: false,
      extensions: {},
    })
    expect([error.retryAfter, error.cause]).toEqual([undefined, undefined])
    expect(error).toBeInstanceOf(Error)
  })

  test('keeps its options', () => {
    const options = {
      status: 503,
      retryAfter: 2,
      closesConnection: true,
      extensions: { limit: 5 },
      cause: new Error('lost'),
    }
    expect(new AppError('x', 'y', options)).toMatchObject(options)
  })

  test('for JSON that is nested too deeply keeps the cause', () => {
    const cause = new RangeError('Maximum call stack size exceeded.')
    expect(tooDeep(cause)).toMatchObject({ code: 'data.too_deep', message: 'The data is nested too deeply.', cause })
  })
})

describe('the message of', () => {
  test.each([
    ['an error', new Error('lost'), 'lost'],
    ['an error without a message', new TypeError(''), 'TypeError'],
    ['a text', 'text', 'text'],
    ['nothing', undefined, 'undefined'],
  ])('%s', (_, thrown, message) => {
    expect(messageOf(thrown)).toBe(message)
  })
})

describe('the code of', () => {
  test.each([
    ['a system error', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['an object', { code: '57P01' }, '57P01'],
    ['an object with a numeric code', { code: 5 }, undefined],
    ['an error without a code', new Error('x'), undefined],
    ['null', null, undefined],
    ['a text', 'text', undefined],
    ['nothing', undefined, undefined],
  ])('%s', (_, thrown, code) => {
    expect(codeOf(thrown)).toBe(code as never)
  })
})
