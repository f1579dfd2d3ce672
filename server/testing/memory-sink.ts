import type { Cursor } from '../fanout/cursor.ts'
import type { Chunk } from '../fanout/encoding.ts'
import type { Sink } from '../fanout/sink.ts'

/**
 * A sink without a transport. Like a stream, it holds one chunk until it is read; the tests that use it show that the engine
 * needs nothing else.
 */
export class MemorySink implements Sink {
  readonly #chunks: Chunk[] = []
  #reader: ((chunk: Chunk | undefined) => void) | undefined
  #cursor: Pick<Cursor, 'resume' | 'leave'> | undefined
  isClosed = false

  attach(cursor: Pick<Cursor, 'resume' | 'leave'>): void {
    this.#cursor = cursor
    this.#wantMore()
  }

  get wantsMore(): boolean {
    return !this.isClosed && this.#chunks.length === 0
  }

  write(chunk: Chunk): void {
    if (!this.#reader) {
      this.#chunks.push(chunk)
      return
    }
    this.#reader(chunk)
    this.#reader = undefined
    this.#wantMore()
  }

  close(last: Chunk | undefined): void {
    if (last) this.write(last)
    this.isClosed = true
    this.#reader?.(undefined)
  }

  /** The next chunk; `undefined` after the end. */
  read(): Promise<Chunk | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk) {
      this.#wantMore()
      return Promise.resolve(chunk)
    }
    if (this.isClosed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#reader = resolve
    })
  }

  /** The client disconnects. */
  cancel(): void {
    this.isClosed = true
    this.#cursor?.leave()
  }

  #wantMore(): void {
    queueMicrotask(() => {
      if (this.wantsMore) void this.#cursor?.resume()
    })
  }
}
