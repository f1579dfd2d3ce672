import { describe, expect, test } from 'bun:test'
import { checkVersion, etagOf, ifMatch } from './conditional.ts'

const request = (tag?: string) =>
  new Request('http://localhost/', { headers: tag === undefined ? {} : { 'if-match': tag } })

describe('If-Match', () => {
  test.each([
    [undefined, undefined],
    ['*', undefined],
    [' * ', undefined],
    ['"3"', [3]],
    ['"3","4"', [3, 4]],
    [' "3" ,  "40" ', [3, 40]],
  ])('%p expects the versions %p', (header, versions) => {
    expect(ifMatch(request(header))).toEqual(versions)
  })

  test.each(['', '3', '"3', 'W/"3"', '"a"', '"3",', '"3", x', '"-1"', '"3" "4"', 'x"3"', '"3"x'])(
    'is refused when it is %p',
    (header) => {
      expect(() => ifMatch(request(header))).toThrow(expect.objectContaining({ code: 'if_match.invalid', status: 400 }))
    },
  )

  test('takes the entity tag of a version', () => {
    expect(ifMatch(request(etagOf({ version: 12 })))).toEqual([12])
  })
})

describe('a change', () => {
  const row = { id: 17, version: 3 }

  test.each([[undefined], [[3]], [[2, 3]]])('of version 3 is applied when %p are expected', (expected) => {
    expect(() => checkVersion('order', row, expected)).not.toThrow()
  })

  test.each([[[2]], [[4]], [[]]])('of version 3 is refused when %p are expected', (expected) => {
    expect(() => checkVersion('order', row, expected)).toThrow(
      expect.objectContaining({
        code: 'order.version_conflict',
        status: 412,
        extensions: { version: 3 },
        message: expect.stringContaining('Order 17'),
      }),
    )
  })
})
