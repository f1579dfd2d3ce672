import { AppError } from '../../../platform/errors.ts'
import { Slice } from '../../../platform/event-loop.ts'
import { insertOrders } from '../../orders/order-store.ts'
import type { NewOrder } from '../../orders/schema.ts'
import { toCsv } from './csv-cells.ts'
import type { Kind, TaskContext } from './kind.ts'
import { readLines } from './lines.ts'
import { COLUMNS, decode, type Header, isCsv, isPreamble, readHeader, toOrder } from './order-rows.ts'
import { type CsvRecord, readRecords } from './records.ts'

interface ImportInput {
  /** The id of the upload. */
  file: string
  /** The name of the file. */
  name: string
  bytes: number
}

/** All lines up to `line` are imported or rejected. */
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

/** Records of one transaction. */
const BATCH = 500
const MAX_RECORD_BYTES = 64 * 1024
/** Rejected lines above which the import fails: it is probably the wrong file. */
const MAX_REJECTED = 100_000
/** Characters of a rejected line that are kept. */
const MAX_CONTENT = 500
const REJECTED = 'rejected.csv'

/** Creates orders from the records of a CSV file. Records that cannot be imported are listed in `rejected.csv`, with the reason. */
export const importOrders: Kind<ImportInput> = {
  role: 'operator',
  describe: ({ name }) => `Import of ${name}`,
  async run(context) {
    const { input, signal, files, report } = context
    const progress = { ...((context.checkpoint as Checkpoint | null) ?? { line: 0, imported: 0, rejected: 0 }) }
    const batch = new Batch(context, progress)
    let header: Header | undefined
    const records = readRecords(readLines(files.read(input.file, input.bytes), MAX_RECORD_BYTES), {
      maxBytes: MAX_RECORD_BYTES,
      isRecord: (bytes) => header !== undefined && isCsv(bytes, header),
    })
    const slice = new Slice()
    for await (const record of records) {
      if (slice.isOver) await slice.next()
      signal.throwIfAborted()
      if (!header) {
        if (!record.bytes) throw headerTooLong()
        const text = textOf(record)
        if (isPreamble(text)) continue
        header = readHeader(text)
        await batch.open()
        continue
      }
      batch.add(record, header)
      if (!batch.isFull) continue
      await batch.commit(record.lastLine)
      const done = progress.imported + progress.rejected
      report((100 * record.offset) / input.bytes, `${done.toLocaleString('en')} lines`)
      if (progress.rejected > MAX_REJECTED) throw tooManyRejected()
    }
    await batch.commit(Number.MAX_SAFE_INTEGER)
    return { imported: progress.imported, rejected: progress.rejected }
  },
}

/** `undefined` when it is too long or not UTF-8. */
function textOf({ bytes }: CsvRecord): string | undefined {
  try {
    return bytes && decode(bytes)
  } catch {
    return undefined
  }
}

/** Records that were read and not written yet. */
class Batch {
  readonly #context: TaskContext<ImportInput>
  readonly #progress: Checkpoint
  #rejectedFile: Awaited<ReturnType<TaskContext<ImportInput>['createFile']>> | undefined
  #orders: NewOrder[] = []
  #rejections: Rejection[] = []

  constructor(context: TaskContext<ImportInput>, progress: Checkpoint) {
    this.#context = context
    this.#progress = progress
  }

  /** Creates `rejected.csv`. @throws {AttemptLostError} */
  async open(): Promise<void> {
    this.#rejectedFile = await this.#context.createFile(REJECTED, 'text/csv; charset=utf-8')
    // An earlier attempt has written the header already.
    if (this.#progress.line > 0) return
    await this.#context.commit(async (sql) => this.#rejectedFile?.append(sql, toCsv([['line', 'reason', 'content']])))
  }

  get isFull(): boolean {
    return this.#orders.length + this.#rejections.length >= BATCH
  }

  add(record: CsvRecord, header: Header): void {
    if (record.lastLine <= this.#progress.line) return
    const text = textOf(record)
    if (text?.trim() === '') return
    const result = text === undefined ? { reason: unreadable(record) } : toOrder(text, header)
    if ('order' in result) return void this.#orders.push(result.order)
    const { line, lastLine } = record
    const reason = lastLine > line ? `lines ${line} to ${lastLine}: ${result.reason}` : result.reason
    this.#rejections.push({ line, reason, row: (text ?? '').slice(0, MAX_CONTENT) })
  }

  /** Writes the orders and the rejections with their checkpoint. @param line up to which all records were added */
  async commit(line: number): Promise<void> {
    const orders = this.#orders
    const rows = this.#rejections.map((rejection) => [rejection.line, rejection.reason, rejection.row])
    this.#orders = []
    this.#rejections = []
    this.#progress.line = line
    this.#progress.imported += orders.length
    this.#progress.rejected += rows.length
    await this.#context.commit(async (sql) => {
      await insertOrders(sql, orders)
      await this.#rejectedFile?.append(sql, toCsv(rows))
    }, this.#progress)
  }
}

const tooManyRejected = () =>
  new AppError(
    'import.too_many_rejected',
    `More than ${MAX_REJECTED.toLocaleString('en')} lines cannot be imported. Is it the right file? The lines before were imported.`,
  )

const headerTooLong = () =>
  new AppError(
    'import.header_invalid',
    `The first line has more than ${MAX_RECORD_BYTES.toLocaleString('en')} bytes. It names the columns: ${COLUMNS.join(',')}.`,
  )

const unreadable = ({ bytes }: CsvRecord) =>
  bytes ? 'it is not UTF-8' : `it has more than ${MAX_RECORD_BYTES.toLocaleString('en')} bytes`
