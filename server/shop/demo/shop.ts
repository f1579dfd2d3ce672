import type { NewOrder } from '../orders/schema.ts'

/** Names of customers. */
export const CUSTOMERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy']

interface Product {
  sku: string
  name: string
  /** Minor units. */
  unitPrice: number
}

const PRODUCTS: readonly Product[] = [
  { sku: 'TEA-SEN', name: 'Sencha, 100 g', unitPrice: 890 },
  { sku: 'TEA-ASM', name: 'Assam, 250 g', unitPrice: 1250 },
  { sku: 'TEA-OOL', name: 'Oolong, 50 g', unitPrice: 1690 },
  { sku: 'POT-IRN', name: 'Cast iron pot, 0.8 l', unitPrice: 6900 },
  { sku: 'POT-GLS', name: 'Glass pot, 1.2 l', unitPrice: 3450 },
  { sku: 'CUP-STN', name: 'Stoneware cup', unitPrice: 1400 },
  { sku: 'CUP-PRC', name: 'Porcelain cup, pair', unitPrice: 2800 },
  { sku: 'TIN-250', name: 'Tea tin, 250 g', unitPrice: 950 },
  { sku: 'KET-GSN', name: 'Gooseneck kettle', unitPrice: 7990 },
  { sku: 'STR-FIN', name: 'Fine strainer', unitPrice: 650 },
]

/** A random item. @param random numbers from 0 to 1, without 1 */
export const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

/** A random order of one to four products, mostly one piece of each. */
export function newOrder(random: () => number): NewOrder {
  const count = 1 + Math.floor(random() * random() * 4)
  const products = new Set(Array.from({ length: count }, () => pick(random, PRODUCTS)))
  return {
    customer: pick(random, CUSTOMERS),
    currency: random() < 0.85 ? 'EUR' : 'USD',
    lines: [...products].map((product) => ({
      ...product,
      quantity: random() < 0.7 ? 1 : 2 + Math.floor(random() * 3),
    })),
  }
}
