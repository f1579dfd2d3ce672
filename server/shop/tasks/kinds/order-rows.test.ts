import { describe, expect, test } from 'bun:test'
import { COLUMNS, decode, isCsv, isPreamble, readHeader, toOrder } from './order-rows.ts'

const HEADER = readHeader(COLUMNS.join(','))
const headerInvalid = (message: string) =>
  expect.objectContaining({ code: 'import.header_invalid', message: expect.stringContaining(message) })

describe('the first line', () => {
  test.each([
    [',', COLUMNS.join(',')],
    [';', COLUMNS.join(';')],
    ['\t', COLUMNS.join('\t')],
    [';', [...COLUMNS].reverse().join(' ; ').toUpperCase()],
    [',', `\uFEFF${COLUMNS.join(',')}`],
    [',', `"note; of ours",${COLUMNS.join(',')}`],
  ])('has the delimiter %j: %j', (delimiter, line) => {
    const header = readHeader(line)
    expect(header.delimiter).toBe(delimiter)
    expect(header.names).toEqual(expect.arrayContaining([...COLUMNS]))
  })

  test.each([
    ['customer,currency', 'lacks sku, name, quantity, unit_price'],
    [`${COLUMNS.join(',')},sku,name`, 'names sku, name twice'],
    ['"customer', 'lacks customer'],
    ['a\0b', 'not UTF-8'],
    [undefined, 'not UTF-8'],
  ])('%j is refused', (line, message) => {
    expect(() => readHeader(line)).toThrow(headerInvalid(message))
  })

  test.each(['', '  ', '\uFEFF', 'sep=;', '"sep=,"', 'SEP=\t'])('may have the line %j before it', (line) => {
    expect(isPreamble(line)).toBe(true)
  })

  test.each(['customer', 'sep=;;', 'xsep=;', undefined])('has not %j before it', (line) => {
    expect(isPreamble(line)).toBe(false)
  })
})

describe('a record', () => {
  test('is an order of one line', () => {
    expect(toOrder(' alice ,EUR,A1,"Tea, green",2,450', HEADER)).toEqual({
      order: {
        customer: 'alice',
        currency: 'EUR',
        lines: [{ sku: 'A1', name: 'Tea, green', quantity: 2, unitPrice: 450 }],
      },
    })
  })

  test('has its fields in the order of the header, and may have others', () => {
    const header = readHeader('unit_price;note;quantity;name;sku;currency;customer')
    expect(toOrder('450;x;2;Tea;A1;EUR;alice', header)).toMatchObject({
      order: { customer: 'alice', lines: [{ quantity: 2, unitPrice: 450 }] },
    })
  })

  test('loses the apostrophes by which an export has marked formulas', () => {
    expect(toOrder("alice,EUR,A1,'=SUM(A1),2,450", HEADER)).toMatchObject({ order: { lines: [{ name: '=SUM(A1)' }] } })
  })

  test.each([
    ['a b,EUR,A1,Tea,2,450', 'customer is "a b", expected 1 to 100 characters'],
    ['alice,euro,A1,Tea,2,450', 'currency is "euro", expected three capital letters'],
    ['alice,EUR,,Tea,2,450', 'sku is "", expected 1 to 100 characters'],
    ['alice,EUR,A1,,2,450', 'name is "", expected 1 to 200 characters'],
    ['alice,EUR,A1,Tea,0,450', 'quantity is "0", expected a whole number from 1'],
    ['alice,EUR,A1,Tea,1000001,450', 'quantity is "1000001"'],
    ['alice,EUR,A1,Tea,1e3,450', 'quantity is "1e3"'],
    ['alice,EUR,A1,Tea,+2,450', 'quantity is "+2"'],
    ['alice,EUR,A1,Tea,2,-1', 'unit_price is "-1", expected a whole number of minor units'],
    ['alice,EUR,A1,Tea,2,', 'unit_price is ""'],
    ['alice,EUR,A1,Tea,2', 'it has 5 fields, and the first line 6'],
    ['alice,EUR,A1,"Tea,2,450', 'not valid CSV: a quote is not closed'],
    ['alice,EUR,A1,Te"a,2,450', 'not valid CSV'],
    ['alice,EUR,A1,Te\0a,2,450', 'NUL'],
  ])('%j is rejected', (line, reason) => {
    expect(toOrder(line, HEADER)).toEqual({ reason: expect.stringContaining(reason) })
  })

  test('shows at most 80 characters of a field that is refused', () => {
    const { reason } = toOrder(`alice,${'E'.repeat(200)},A1,Tea,2,450`, HEADER) as { reason: string }
    expect(reason).toContain(`currency is "${'E'.repeat(80)}", expected`)
  })
})

test('bytes are one record when they are UTF-8 and CSV', () => {
  const isRecord = (text: string | Uint8Array) => isCsv(typeof text === 'string' ? Buffer.from(text) : text, HEADER)
  expect([isRecord('a,"b\nc",d'), isRecord('a')]).toEqual([true, true])
  expect([isRecord('a\nb'), isRecord('"a'), isRecord(''), isRecord(new Uint8Array([0xff]))]).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect(decode(Buffer.from('é'))).toBe('é')
  expect(() => decode(new Uint8Array([0xc3]))).toThrow(TypeError)
})
