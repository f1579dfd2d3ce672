import { SECOND } from '../platform/time.ts'
import type { Workload } from './outbox-workloads.ts'
import { execute, PostgresSocket, type PostgresSocketOptions, prepare, type Request } from './postgres-socket.ts'

/** Digits of a transaction's number. */
const DIGITS = 9
const PLACEHOLDER = '0'.repeat(DIGITS)
const ZERO = '0'.charCodeAt(0)

const BEGIN = execute('begin', [])
const COMMIT = execute('commit', [])

/** A statement of one writer, into which the number of its transaction is written without building it again. */
interface Numbered {
  request: Request
  at: number
}

/** One connection that executes transaction after transaction. */
export class OutboxWriter {
  readonly #socket: PostgresSocket
  readonly #workloads = new Map<Workload, readonly Numbered[]>()
  /** Transactions of each workload that have committed. */
  readonly committed = new Map<Workload, number>()

  private constructor(socket: PostgresSocket) {
    this.#socket = socket
  }

  /** Connects, and prepares the statements of all workloads. @param writer its number, part of the channel it publishes to */
  static async connect(options: PostgresSocketOptions, writer: number, workloads: readonly Workload[]) {
    const socket = await PostgresSocket.connect(options)
    const result = new OutboxWriter(socket)
    await socket.send(prepare('begin', 'begin'))
    await socket.send(prepare('commit', 'commit'))
    for (const [index, workload] of workloads.entries()) {
      const prepared: Numbered[] = []
      for (const [part, statement] of workload.statements.entries()) {
        const name = `${index}.${part}`
        await socket.send(prepare(name, statement))
        const request = execute(name, [`${index}-${writer}`, PLACEHOLDER])
        prepared.push({ request, at: Buffer.from(request).indexOf(PLACEHOLDER) })
      }
      result.#workloads.set(workload, prepared)
      result.committed.set(workload, 0)
    }
    return result
  }

  /** Executes transactions until a time of `performance.now()`; returns how many. */
  async run(workload: Workload, until: number): Promise<number> {
    const statements = this.#workloads.get(workload) ?? []
    const before = this.committed.get(workload) ?? 0
    let number = before
    while (performance.now() < until) {
      number++
      await this.#socket.send(BEGIN)
      for (const { request, at } of statements) {
        write(request, at, number)
        await this.#socket.send(request)
      }
      await this.#socket.send(COMMIT)
    }
    this.committed.set(workload, number)
    return number - before
  }

  close(): void {
    this.#socket.close()
  }
}

function write(bytes: Uint8Array, at: number, number: number): void {
  for (let index = at + DIGITS - 1, rest = number; index >= at; index--, rest = Math.floor(rest / 10)) {
    bytes[index] = ZERO + (rest % 10)
  }
}

/** Lets all writers work at once. @returns transactions, and the seconds that they took */
export async function runWriters(writers: readonly OutboxWriter[], workload: Workload, seconds: number) {
  const start = performance.now()
  const counts = await Promise.all(writers.map((writer) => writer.run(workload, start + seconds * SECOND)))
  return {
    transactions: counts.reduce((sum, count) => sum + count, 0),
    seconds: (performance.now() - start) / SECOND,
  }
}
