import { TypeCompiler } from '@sinclair/typebox/compiler'
import { type CsvError, parse } from 'csv-parse/sync'
import { findUnstorable } from '../../../http/storable.ts'
import { AppError, messageOf } from '../../../platform/errors.ts'
import { NewOrder } from '../../orders/schema.ts'
import { unmarkFormulas } from './csv-cells.ts'

/** The columns of an import; each line is an order with one line. */
export const COLUMNS = ['customer', 'currency', 'sku', 'name', 'quantity', 'unit_price'] as const

type Column = (typeof COLUMNS)[number]

const validator = TypeCompiler.Compile(NewOrder)

/** Column of a member of an order. */
const COLUMN_OF: Readonly<Record<string, Column>> = {
  '/customer': 'customer',
  '/currency': 'currency',
  '/lines/0/sku': 'sku',
  '/lines/0/name': 'name',
  '/lines/0/quantity': 'quantity',
  '/lines/0/unitPrice': 'unit_price',
}

const EXPECTED: Readonly<Record<Column, string>> = {
  customer: '1 to 100 characters without spaces, ".", "*" or ">"',
  currency: 'three capital letters, such as EUR',
  sku: '1 to 100 characters',
  name: '1 to 200 characters',
  quantity: 'a whole number from 1 to 1000000',
  unit_price: 'a whole number of minor units (cents) from 0 to 1000000000',
}

/** The order of a record, or the reason why it is rejected. */
export type RowResult = { order: NewOrder } | { reason: string }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** The text of a record. @throws {TypeError} when it is not UTF-8 */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

/** The layout of the records, as the first line defines it. */
export interface Header {
  /** Of the columns, in their order. */
  names: readonly string[]
  delimiter: string
}

/** Spreadsheets write semicolons in locales whose decimal separator is the comma. */
const DELIMITERS = [',', ';', '\t']

/** Fields of one record (RFC 4180). @throws {CsvError} */
function fieldsOf(record: string, delimiter: string): string[] {
  const records = parse(record, { delimiter, relax_column_count: true }) as string[][]
  if (records.length > 1) throw new Error('it is more than one record')
  return records[0] ?? []
}

/** Whether bytes are one record. */
export function isCsv(bytes: Uint8Array, { delimiter }: Header): boolean {
  try {
    return fieldsOf(decode(bytes), delimiter).length > 0
  } catch {
    return false
  }
}

/** Whether a line before the header is to be skipped: it is blank, or sets the delimiter for spreadsheets (`sep=;`). */
export const isPreamble = (line: string | undefined): boolean =>
  line !== undefined && /^\uFEFF?\s*(?:"?sep=."?)?\s*$/i.test(line)

/** The column names of a line with a delimiter; none when it is not CSV. */
function namesOf(line: string, delimiter: string): string[] {
  try {
    return fieldsOf(line, delimiter).map((name) => name.trim().toLowerCase())
  } catch {
    return []
  }
}

/**
 * Reads the header: the columns in their order, and the delimiter (comma, semicolon or tab) with which most are found.
 *
 * @throws {AppError} `import.header_invalid` when columns are missing or repeated, or the file is not text
 */
export function readHeader(line: string | undefined): Header {
  const text = (line ?? '').replace(/^\uFEFF/, '')
  if (line === undefined || text.includes('\0')) {
    throw new AppError('import.header_invalid', 'The file is not UTF-8 text. Save it as CSV in UTF-8.')
  }
  const missingOf = ({ names }: Header) => COLUMNS.filter((column) => !names.includes(column))
  const headers = DELIMITERS.map((delimiter) => ({ names: namesOf(text, delimiter), delimiter }))
  const header = headers.reduce((best, next) => (missingOf(next).length < missingOf(best).length ? next : best))
  const missing = missingOf(header)
  const repeated = COLUMNS.filter((column) => header.names.indexOf(column) !== header.names.lastIndexOf(column))
  if (missing.length === 0 && repeated.length === 0) return header
  const problem = missing.length > 0 ? `lacks ${missing.join(', ')}` : `names ${repeated.join(', ')} twice`
  throw new AppError(
    'import.header_invalid',
    `The first line ${problem}. It names the columns, in any order: ${COLUMNS.join(',')}.`,
  )
}

/** Converts a record into an order, or returns the reason why it is rejected. */
export function toOrder(line: string, { names, delimiter }: Header): RowResult {
  let fields: string[]
  try {
    fields = fieldsOf(line, delimiter)
  } catch (error) {
    const isOpen = (error as CsvError).code === 'CSV_QUOTE_NOT_CLOSED'
    return { reason: `not valid CSV: ${isOpen ? 'a quote is not closed' : messageOf(error)}` }
  }
  if (fields.length !== names.length) {
    return { reason: `it has ${fields.length} fields, and the first line ${names.length}` }
  }
  const row = Object.fromEntries(
    names.map((name, index) => [name, unmarkFormulas(fields[index]?.trim() ?? '')]),
  ) as Record<Column, string>
  const { customer, currency, sku, name, quantity, unit_price } = row
  const order = {
    customer,
    currency,
    lines: [{ sku, name, quantity: wholeNumber(quantity), unitPrice: wholeNumber(unit_price) }],
  }
  const error = validator.Errors(order).First()
  if (error) {
    const column = COLUMN_OF[error.path]
    if (!column) return { reason: error.message }
    return { reason: `${column} is ${JSON.stringify(row[column].slice(0, 80))}, expected ${EXPECTED[column]}` }
  }
  const unstorable = findUnstorable(order)
  return unstorable === undefined ? { order } : { reason: unstorable }
}

const wholeNumber = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN)
