import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { parse } from 'csv-parse/sync'
import type { Runtime } from '../../runtime.ts'
import type { Task } from '../../shop/tasks/schema.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { startInstance } from '../../testing/instance.ts'
import { openStream } from '../../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const HEADER = 'customer;currency;sku;name;quantity;unit_price'
const SKUS = [
  'a;=1+1',
  'a;=1+1;',
  '=HYPERLINK("http://x")',
  'b\t@SUM(A1)',
  'c;"=1+1;"',
  '+1+cmd|x',
  '-2',
  '＝1+1',
  'd;\u3000=1+1',
  'e,\u00a0＠SUM(A1)',
]

/** Starts a task and waits until it has ended. */
async function run(path: string, type: string, body: string): Promise<Task> {
  const owner = `o-${crypto.randomUUID()}`
  await using reader = await openStream(instance.url, [`tasks.${owner}.*`])
  const headers = { 'content-type': type, 'x-user': owner }
  const response = await fetch(`${instance.url}/api/${path}`, { method: 'POST', headers, body })
  const { id } = (await response.json()) as Task
  await reader.until(({ events }) => events.some((event) => event.type === 'task.succeeded'))
  return (await (await fetch(`${instance.url}/api/tasks/${id}`)).json()) as Task
}

const runImport = (lines: readonly string[]) => run('orders/import', 'text/csv', [HEADER, ...lines].join('\n'))

const download = async ({ id }: Task, name: string) =>
  (await fetch(`${instance.url}/api/tasks/${id}/files/${name}`)).text()

const order = (sku: string) =>
  fetch(`${instance.url}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      customer: '=cmd',
      currency: 'EUR',
      lines: [{ sku, name: 'Tea', quantity: 1, unitPrice: 100 }],
    }),
  })

/** Cells as a careless reader would split them: at every separator, inside quotes too. */
const formulasIn = (csv: string) =>
  csv
    .split(/[,;\t\r\n]/)
    .map((cell) => cell.replace(/^["\s]+|["\s]+$/g, ''))
    .filter((cell) => /^[=+\-@＝＋－＠]/.test(cell) && !/^[+-]?\d+$/.test(cell))

describe('a spreadsheet that splits cells by commas, semicolons or tabs', () => {
  test('finds no formula in report.csv, and numbers stay numbers', async () => {
    for (const sku of SKUS) expect((await order(sku)).status).toBe(201)
    const csv = await download(await run('tasks', 'application/json', '{"kind":"report"}'), 'report.csv')
    expect(formulasIn(csv)).toEqual([])
    const rows = parse(csv, { columns: true }) as Record<string, string>[]
    const keys = rows.filter(({ dimension }) => dimension === 'sku').map(({ key }) => key)
    expect(keys).toContain("a;'=1+1")
    expect(keys).toContain('-2')
  })

  test('finds no formula in rejected.csv, and its lines can be imported as they were', async () => {
    const lines = SKUS.map((sku) => `=ann;EUR;"${sku.replaceAll('"', '""')}";'=Tea;none;1`)
    const first = await runImport(lines)
    const csv = await download(first, 'rejected.csv')
    expect(formulasIn(csv)).toEqual([])
    const content = (parse(csv, { columns: true }) as { content: string }[]).map((row) => row.content)
    expect(content).toHaveLength(SKUS.length)
    // The user fixes the reported problem and changes nothing else.
    const second = await runImport(content.map((line) => line.replace(';none;', ';1;')))
    expect(second.result).toEqual({ imported: SKUS.length, rejected: 0 })
    const orders = await database.sql<{ customer: string; sku: string; name: string }[]>`
      select customer, lines->0->>'sku' as sku, lines->0->>'name' as name from sse.orders
      where customer = '=ann' order by id`
    expect([...orders]).toEqual(SKUS.map((sku) => ({ customer: '=ann', sku, name: "'=Tea" })))
  })
})

describe('the page of a report', () => {
  test('runs no script, whatever the names of customers and products are', async () => {
    const name = '</text></svg></script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028"\'&'
    for (const sku of [name, '<img src=x onerror=a>', '"onload="a()']) expect((await order(sku)).status).toBe(201)
    const task = await run('tasks', 'application/json', '{"kind":"report"}')
    const response = await fetch(`${instance.url}/api/tasks/${task.id}/files/report.html`)
    expect(response.headers.get('content-security-policy')).toMatch(/sandbox.*default-src 'none'/)
    const elements = new Set<string>()
    const attributes = new Set<string>()
    const rewriter = new HTMLRewriter().on('*', {
      element(element) {
        elements.add(element.tagName)
        for (const [attribute] of element.attributes) attributes.add(attribute)
      },
    })
    const html = await rewriter.transform(response).text()
    expect(html).toContain('&lt;img')
    expect(elements.has('svg')).toBe(true)
    for (const element of ['script', 'img', 'iframe', 'object', 'foreignobject', 'a']) {
      expect(elements.has(element)).toBe(false)
    }
    expect([...attributes].filter((attribute) => /^on|href/.test(attribute))).toEqual([])
  })
})
