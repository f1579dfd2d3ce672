import { TypeCompiler } from '@sinclair/typebox/compiler'
import { NewOrder } from '../../orders/schema.ts'

/** The columns of an import; each line is an order of one kind of thing. */
export const COLUMNS = ['customer', 'currency', 'sku', 'name', 'quantity', 'unit_price'] as const

export type OrderRow = Readonly<Record<(typeof COLUMNS)[number], string>>

const validator = TypeCompiler.Compile(NewOrder)

/** Column of a member of an order. */
const COLUMN_OF: Readonly<Record<string, (typeof COLUMNS)[number]>> = {
  '/customer': 'customer',
  '/currency': 'currency',
  '/lines/0/sku': 'sku',
  '/lines/0/name': 'name',
  '/lines/0/quantity': 'quantity',
  '/lines/0/unitPrice': 'unit_price',
}

const WANTS: OrderRow = {
  customer: '1 to 100 characters without spaces, ".", "*" or ">"',
  currency: 'three capital letters, such as EUR',
  sku: '1 to 100 characters',
  name: '1 to 200 characters',
  quantity: 'a whole number from 1 to 1000000',
  unit_price: 'a whole number of minor units (cents) from 0 to 1000000000',
}

/** The order of a line, or what is wrong with it. */
export function toOrder(row: OrderRow): { order: NewOrder } | { reason: string } {
  const stray = COLUMNS.find((column) => row[column].startsWith('"'))
  if (stray) return { reason: `${stray} begins with a quote, or has text after its closing quote` }
  const { customer, currency, sku, name, quantity, unit_price } = trimmed(row)
  const order = {
    customer,
    currency,
    lines: [{ sku, name, quantity: wholeNumber(quantity), unitPrice: wholeNumber(unit_price) }],
  }
  const error = validator.Errors(order).First()
  if (!error) return { order }
  const column = COLUMN_OF[error.path]
  const value = column ? JSON.stringify(row[column].slice(0, 80)) : ''
  return { reason: column ? `${column} is ${value}, wants ${WANTS[column]}` : error.message }
}

const trimmed = (row: OrderRow): OrderRow =>
  Object.fromEntries(Object.entries(row).map(([column, value]) => [column, value.trim()])) as OrderRow

const wholeNumber = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN)
