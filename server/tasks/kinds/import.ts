import { Readable } from 'node:stream'
import { type CsvError, type Info, parse } from 'csv-parse'
import { stringify } from 'csv-stringify/sync'
import { insertOrders } from '../../orders/orders.ts'
import type { NewOrder } from '../../orders/schema.ts'
import { AppError } from '../../platform/errors.ts'
import type { Kind, TaskContext } from './kind.ts'
import { COLUMNS, type OrderRow, toOrder } from './order-rows.ts'

interface ImportInput {
  /** The upload. */
  file: string
  /** What it is called, for people. */
  name: string
  bytes: number
}

/** All lines up to `line` are done. */
interface Checkpoint {
  line: number
  imported: number
  rejected: number
}

interface Rejection {
  line: number
  reason: string
  row: string
}

/** Lines of one transaction. */
const BATCH = 500
const MAX_LINE_BYTES = 64 * 1024
/** Lines that can't be imported after which nobody means the file seriously. */
const MAX_REJECTED = 100_000
/** What is told of the content of a line. */
const MAX_CONTENT = 500
const REJECTED = 'rejected.csv'

/** Makes orders of the lines of a CSV file; those that can't be are told in a file, with line and reason. */
export const importOrders: Kind<ImportInput> = {
  describe: ({ name }) => `Import of ${name}`,
  async run(context) {
    const { input, signal, files, report } = context
    const progress = { ...((context.checkpoint as Checkpoint | null) ?? { line: 0, imported: 0, rejected: 0 }) }
    const batch = new Batch(context, progress)
    await batch.open()
    const parser = parse({
      bom: true,
      columns: checkHeader,
      info: true,
      // Else a stray quote costs the good line after it too; `toOrder` finds it.
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_LINE_BYTES,
      skip_records_with_error: true,
      on_skip(error) {
        if (error) batch.reject(rejectionOf(error))
        if (batch.isHopeless) parser.destroy(tooManyRejected())
        return undefined
      },
    })
    const source = Readable.from(files.read(input.file))
    source.on('error', (error) => parser.destroy(error))
    for await (const item of source.pipe(parser)) {
      const { record, info } = item as { record: OrderRow; info: Info }
      signal.throwIfAborted()
      batch.add(info.lines, record)
      if (batch.isHopeless) throw tooManyRejected()
      if (!batch.isFull) continue
      await batch.commit(info.lines)
      const done = progress.imported + progress.rejected
      report((100 * info.bytes) / input.bytes, `${done.toLocaleString('en')} lines`)
    }
    await batch.commit(Number.MAX_SAFE_INTEGER)
    return { imported: progress.imported, rejected: progress.rejected }
  },
}

/** What is read but not written yet. */
class Batch {
  readonly #context: TaskContext<ImportInput>
  readonly #progress: Checkpoint
  #rejectedFile: Awaited<ReturnType<TaskContext<ImportInput>['createFile']>> | undefined
  #orders: NewOrder[] = []
  /** The parser is ahead of what it hands out: some belong to lines that come later. */
  #rejections: Rejection[] = []

  constructor(context: TaskContext<ImportInput>, progress: Checkpoint) {
    this.#context = context
    this.#progress = progress
  }

  async open(): Promise<void> {
    this.#rejectedFile = await this.#context.createFile(REJECTED, 'text/csv; charset=utf-8')
    // An earlier attempt has written the header.
    if (this.#progress.line > 0) return
    await this.#context.commit(async (sql) =>
      this.#rejectedFile?.append(sql, stringify([['line', 'reason', 'content']])),
    )
  }

  get isFull(): boolean {
    return this.#orders.length + this.#rejections.length >= BATCH
  }

  get isHopeless(): boolean {
    return this.#progress.rejected + this.#rejections.length > MAX_REJECTED
  }

  add(line: number, row: OrderRow): void {
    if (line <= this.#progress.line) return
    const result = toOrder(row)
    if ('order' in result) this.#orders.push(result.order)
    else this.reject({ line, reason: result.reason, row: Object.values(row).join(',') })
  }

  reject(rejection: Rejection): void {
    if (rejection.line > this.#progress.line)
      this.#rejections.push({ ...rejection, row: rejection.row.slice(0, MAX_CONTENT) })
  }

  /** @param line up to which everything was added */
  async commit(line: number): Promise<void> {
    const orders = this.#orders
    const rejections = this.#rejections.filter((rejection) => rejection.line <= line)
    this.#rejections = this.#rejections.filter((rejection) => rejection.line > line)
    this.#orders = []
    this.#progress.line = line
    this.#progress.imported += orders.length
    this.#progress.rejected += rejections.length
    const rows = rejections.sort((a, b) => a.line - b.line).map(({ line, reason, row }) => [line, reason, row])
    await this.#context.commit(async (sql) => {
      await insertOrders(sql, orders)
      // Spreadsheets would run what begins with "=".
      await this.#rejectedFile?.append(sql, stringify(rows, { escape_formulas: true }))
    }, this.#progress)
  }
}

/** @throws {AppError} `import.header_invalid`: nothing of the file can be read */
export function checkHeader(header: readonly string[]): string[] {
  const names = header.map((name) => name.trim().toLowerCase())
  const missing = COLUMNS.filter((column) => !names.includes(column))
  if (missing.length === 0) return names
  throw new AppError(
    'import.header_invalid',
    `The first line lacks ${missing.join(', ')}. It names the columns, in any order: ${COLUMNS.join(',')}.`,
  )
}

const tooManyRejected = () =>
  new AppError(
    'import.too_many_rejected',
    `More than ${MAX_REJECTED.toLocaleString('en')} lines can't be imported. Is it the right file? Those before are done.`,
  )

const rejectionOf = (error: CsvError): Rejection => ({
  line: Number(error.lines),
  reason: `not valid CSV: ${error.message}`,
  row: Array.isArray(error.record) ? error.record.join(',') : '',
})
