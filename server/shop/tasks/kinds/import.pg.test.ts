import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { parse } from 'csv-parse/sync'
import type { Runtime } from '../../../runtime.ts'
import { createDatabase, type TestDatabase } from '../../../testing/database.ts'
import { startInstance } from '../../../testing/instance.ts'
import { openStream } from '../../../testing/stream-reader.ts'
import { until } from '../../../testing/until.ts'
import type { Task } from '../schema.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable

beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url, { MAX_UPLOAD_BYTES: '5000000' })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const HEADER = 'customer,currency,sku,name,quantity,unit_price'

const upload = (body: BodyInit, headers: Record<string, string> = {}, query = '') =>
  fetch(`${instance.url}/api/orders/import${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', ...headers },
    body,
  })

/** Uploads, and waits for the end of the task. */
async function importCsv(body: BodyInit): Promise<Task> {
  const owner = `o-${crypto.randomUUID()}`
  await using reader = await openStream(instance.url, [`tasks.${owner}.*`])
  const response = await upload(body, { 'x-user': owner })
  expect(response.status).toBe(202)
  const ended = (type: string) => type === 'task.succeeded' || type === 'task.failed'
  await reader.until(({ events }) => events.some(({ type }) => ended(type)))
  const [last] = reader.events.slice(-1)
  return (last as { data: unknown } as { data: { task: Task } }).data.task
}

const rejected = async ({ id }: Task) =>
  parse(await (await fetch(`${instance.url}/api/tasks/${id}/files/rejected.csv`)).text(), { columns: true }) as {
    line: string
    reason: string
    content: string
  }[]

describe('an import', () => {
  test('of 10,000 lines creates orders from the valid ones, each with its event, and lists the others', async () => {
    const customer = `c-${crypto.randomUUID()}`
    const bad: Record<number, string> = {
      17: 'with space,EUR,A1,Tea,1,450',
      500: `${customer},EUR,A1,Tea,0,450`,
      501: `${customer},euro,A1,Tea,1,450`,
      4711: `${customer},EUR,A1,Tea,1`,
      4712: `${customer},EUR,A1,Tea,1,4.50`,
      9000: `${customer},EUR,A1,"Tea"x,1,450`,
      10001: `${customer},EUR,,Tea,1,450`,
    }
    const lines = Array.from(
      { length: 10_000 },
      (_, index) => bad[index + 2] ?? `${customer},EUR,A${index % 9},"Tea, green",2,450`,
    )
    await using reader = await openStream(instance.url, [`orders.${customer}.*`])
    const task = await importCsv(`${HEADER}\n${lines.join('\n')}\n`)
    expect(task).toMatchObject({ kind: 'import', state: 'succeeded', result: { imported: 9993, rejected: 7 } })
    const [row] = await database.sql<{ count: number; total: number }[]>`
      select count(*)::int as count, sum(total)::int as total from sse.orders where customer = ${customer}`
    expect(row).toEqual({ count: 9993, total: 9993 * 900 })
    await reader.untilEvents(9993)
    expect(new Set(reader.events.map(({ channel }) => channel)).size).toBe(9993)
    const rows = await rejected(task)
    expect(rows.map(({ line, reason }) => [Number(line), reason.split(' ')[0]])).toEqual([
      [17, 'customer'],
      [500, 'quantity'],
      [501, 'currency'],
      [4711, 'it'],
      [4712, 'unit_price'],
      [9000, 'not'],
      [10_001, 'sku'],
    ])
    expect(rows[4]).toMatchObject({
      reason: 'unit_price is "4.50", expected a whole number of minor units (cents) from 0 to 1000000000',
      content: bad[4712],
    })
  }, 30_000)

  test('takes columns in any order, a byte order mark, and Windows line ends', async () => {
    const task = await importCsv('\uFEFFSKU,Unit_Price,quantity,name,currency,customer\r\nA1,450,2,Tea,EUR,bom\r\n')
    expect(task.result).toEqual({ imported: 1, rejected: 0 })
    expect(await database.sql`select total, status from sse.orders where customer = 'bom'`).toMatchObject([
      { total: 900, status: 'pending' },
    ])
  })

  test.each([
    ['semicolons', ';'],
    ['tabs', '\t'],
  ])('takes %s between the columns, as spreadsheets write them', async (name, delimiter) => {
    const rows = [HEADER.split(','), [name, 'EUR', 'A1', 'Tea, green', '2', '450'], [name, 'EUR', 'A2', 'Pot', '2']]
    const task = await importCsv(rows.map((row) => row.join(delimiter)).join('\n'))
    expect(task.result).toEqual({ imported: 1, rejected: 1 })
    expect(await database.sql`select lines->0->>'name' as name from sse.orders where customer = ${name}`).toMatchObject(
      [{ name: 'Tea, green' }],
    )
  })

  test('takes fields with line breaks within quotes; what stands in one is never taken for a line', async () => {
    const records = [
      'multi,EUR,A1,"Tea\nmallory,EUR,A9,Gold,1000,1\n(large)",2,450',
      'multi,EUR,A2,"Pot\r\nof ""clay""",1,900',
      'multi,EUR,A3,"Cup\nmallory,EUR,A9,Gold,1000,1\n",none,450',
      'multi,EUR,A4,Spoon,1,100',
    ]
    const task = await importCsv(`${HEADER}\n${records.join('\n')}\n`)
    expect(task.result).toEqual({ imported: 3, rejected: 1 })
    const rows = await database.sql<{ name: string }[]>`
      select lines->0->>'name' as name from sse.orders where customer in ('multi', 'mallory') order by id`
    expect(rows.map(({ name }) => name)).toEqual([
      'Tea\nmallory,EUR,A9,Gold,1000,1\n(large)',
      'Pot\nof "clay"',
      'Spoon',
    ])
    expect(await rejected(task)).toMatchObject([
      { line: '7', reason: expect.stringMatching(/^lines 7 to 9: quantity is "none"/) },
    ])
  })

  test('of a quote that is never closed costs its line, wherever the next one stands', async () => {
    const good = (sku: string) => `stray,EUR,${sku},Tea,1,100`
    const many = Array.from({ length: 5000 }, (_, index) => good(`A${index}`))
    const broken = 'stray,EUR,B,"Tea,1,100'
    const lines = [broken, ...many, broken, broken, good('C'), 'stray,EUR,D,"Tea, green",1,100', broken]
    const task = await importCsv(`${HEADER}\n${lines.join('\n')}`)
    expect(task.result).toEqual({ imported: 5002, rejected: 4 })
    expect((await rejected(task)).map(({ line }) => Number(line))).toEqual([2, 5003, 5004, 5007])
  })

  test('reads what spreadsheets put before the header', async () => {
    const task = await importCsv(`\uFEFFsep=;\n\n${HEADER.replaceAll(',', ';')}\nsep;EUR;A1;Tea;2;450\n`)
    expect(task.result).toEqual({ imported: 1, rejected: 0 })
    expect(await importCsv(Buffer.from(`${HEADER}\n`, 'utf16le'))).toMatchObject({
      state: 'failed',
      error: 'The file is not UTF-8 text. Save it as CSV in UTF-8.',
    })
  })

  test('of lines that are broken in every way costs those lines, and no other', async () => {
    const good = (sku: string) => `odd,EUR,${sku},Tea,1,100`
    const lines: [string | Uint8Array, string | null][] = [
      [good('1'), null],
      ['odd,EUR,2,"Tea 100,1,100', 'not valid CSV: a quote is not closed'],
      [good('3'), null],
      ['odd,EUR,4,"Te"a,1,100', 'not valid CSV'],
      ['odd,EUR,5,"""Best"" tea",1,100', null],
      ['odd,EUR,6,Te\0a,1,100', 'a text contains the character NUL'],
      [Buffer.from('odd,EUR,7,M\xfcller,1,100', 'latin1'), 'it is not UTF-8'],
      ['', null],
      [`odd,EUR,8,${'x'.repeat(70_000)},1,100`, 'it has more than 65,536 bytes'],
      ['odd,EUR,9,"Tea\t, 1 kg 🍵",1,100', null],
    ]
    // Line ends of three kinds.
    const ends = ['\n', '\r\n', '\r']
    const body = Buffer.concat([
      Buffer.from(`${HEADER}\r\n`),
      ...lines.flatMap(([line, _], index) => [Buffer.from(line), Buffer.from(ends[index % 3] ?? '\n')]),
      Buffer.from(good('10')),
    ])
    const task = await importCsv(body)
    const skus = await database.sql<{ sku: string }[]>`
      select lines->0->>'sku' as sku from sse.orders where customer = 'odd' order by id`
    expect(skus.map(({ sku }) => sku)).toEqual(['1', '3', '5', '9', '10'])
    const bad = lines.flatMap(([, reason], index) => (reason === null ? [] : [[index + 2, reason] as const]))
    const rows = await rejected(task)
    expect(rows.map(({ line }) => Number(line))).toEqual(bad.map(([line]) => line))
    for (const [index, [, reason]] of bad.entries()) expect(rows[index]?.reason).toStartWith(reason)
  })

  test('that failed or was cancelled still lists the rejected lines', async () => {
    const task = await importCsv(`${HEADER}\n${'a b,EUR,A1,Tea,1,1\n'.repeat(100_600)}`)
    expect(task).toMatchObject({ state: 'failed', attempt: 1, error: expect.stringContaining('Is it the right file?') })
    expect((await rejected(task)).length).toBeGreaterThan(100_000)
  }, 60_000)

  test('whose file is deleted during a download aborts the download', async () => {
    // More than the server and the sockets hold between them.
    const task = await importCsv(`${HEADER}\n${'a b,EUR,A1,Tea,1,1\n'.repeat(99_000)}`)
    const response = await fetch(`${instance.url}/api/tasks/${task.id}/files/rejected.csv`)
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let bytes = (await reader.read()).value?.byteLength ?? 0
    expect((await fetch(`${instance.url}/api/tasks/${task.id}`, { method: 'DELETE' })).status).toBe(204)
    const rest = async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return 'whole'
        bytes += value.byteLength
      }
    }
    expect(await rest().catch(() => 'broken off')).toBe('broken off')
    expect(bytes).toBeLessThan(task.files[0]?.bytes ?? 0)
  }, 30_000)

  test('that is retried offers its file when it has ended again, and not before', async () => {
    const lines = [...Array(3000).fill('a b,EUR,A1,Tea,1,1'), ...Array(150_000).fill('again,EUR,A1,Tea,1,1')]
    const owner = `o-${crypto.randomUUID()}`
    await using reader = await openStream(instance.url, [`tasks.${owner}.*`])
    const { id } = (await (await upload(`${HEADER}\n${lines.join('\n')}`, { 'x-user': owner })).json()) as Task
    const act = async (action: string) =>
      (await (await fetch(`${instance.url}/api/tasks/${id}/${action}`, { method: 'POST' })).json()) as Task
    const status = async () => (await fetch(`${instance.url}/api/tasks/${id}/files/rejected.csv`)).status
    await reader.until(({ events }) => events.some(({ type }) => type === 'task.progress'))
    const cancelled = await act('cancel')
    expect([cancelled.files.length, await status()]).toEqual([1, 200])
    expect(await act('retry')).toMatchObject({ state: 'queued', files: [], startedAt: null })
    expect(await status()).toBe(404)
    await reader.until(({ events }) => events.filter(({ type }) => type === 'task.running').length === 2)
    expect((await act('cancel')).files).toHaveLength(1)
  }, 30_000)

  test('without the columns fails at once, and lists those that are missing', async () => {
    expect(await importCsv('customer;currency;sku\na;EUR;1\n')).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: expect.stringContaining('The first line lacks name, quantity, unit_price.'),
    })
    expect(await importCsv(`${HEADER},customer\n`)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('names customer twice'),
    })
    expect(await importCsv(`"${HEADER}\n`)).toMatchObject({ state: 'failed', error: expect.stringContaining('lacks') })
  })

  test('of a file with only a header creates no orders', async () => {
    expect((await importCsv(`${HEADER}\n`)).result).toEqual({ imported: 0, rejected: 0 })
  })

  test('with one idempotency key is started once', async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const tasks = await Promise.all(
      [1, 2, 3].map(async () => (await (await upload(`${HEADER}\n`, headers)).json()) as Task),
    )
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(1)
    const other = await upload(`${HEADER}\nx`, headers)
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([422, 'key.reused'])
    expect(await database.sql`select 1 from sse.files where task is null`).toHaveLength(0)
  })
})

describe('an upload', () => {
  test('that is too large, empty, or no CSV is refused, and leaves nothing behind', async () => {
    const problem = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]
    expect(await problem(await upload('x'.repeat(5_000_001)))).toEqual([413, 'upload.too_large'])
    // A chunked body does not announce its size.
    const chunks = new ReadableStream({
      start(controller) {
        for (let count = 0; count < 6; count++) controller.enqueue(new Uint8Array(1_000_000))
        controller.close()
      },
    })
    expect(await problem(await upload(chunks))).toEqual([413, 'upload.too_large'])
    expect(await problem(await upload(''))).toEqual([400, 'upload.empty'])
    expect(await problem(await upload('x', { 'content-type': 'text/plain' }))).toEqual([415, 'upload.not_csv'])
    expect(await problem(await upload('x', {}, '?name=%00'))).toEqual([400, 'upload.name_invalid'])
    expect((await upload(`${HEADER}\n`, {}, `?name=${'n'.repeat(200)}`)).status).toBe(202)
    expect((await fetch(`${instance.url}/api/orders/import`)).status).toBe(405)
    expect(await database.sql`select 1 from sse.files where task is null`).toHaveLength(0)
  })

  test('that is cut off leaves nothing behind', async () => {
    const stop = new AbortController()
    const sent = Promise.withResolvers<void>()
    const body = new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(600_000).fill(65))
        sent.resolve()
        await new Promise(() => {})
      },
    })
    const request = fetch(`${instance.url}/api/orders/import`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body,
      signal: stop.signal,
    }).catch(() => {})
    await sent.promise
    const uploads = async () => (await database.sql`select 1 from sse.files where task is null`).length
    await until('a part of the file is stored', uploads)
    stop.abort()
    await request
    await until('no part of the file is left', uploads, (count) => count === 0)
  })
})
