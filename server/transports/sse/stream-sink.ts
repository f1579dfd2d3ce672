import type { Cursor } from '../../fanout/cursor.ts'
import type { Chunk } from '../../fanout/encoding.ts'
import type { Sink } from '../../fanout/sink.ts'

/**
 * The body of a response as a sink. It takes one chunk, and the next when the socket has taken that: Bun calls `pull` then,
 * and not before (backpressure).
 */
export class StreamSink implements Sink {
  readonly stream: ReadableStream<Chunk>
  readonly #abandon: () => void
  #controller!: ReadableStreamDefaultController<Chunk>
  #cursor: Pick<Cursor, 'resume' | 'leave'> | undefined

  /** @param abandon called after the end: a socket that takes nothing any more need not be waited for */
  constructor(abandon: () => void) {
    this.#abandon = abandon
    this.stream = new ReadableStream<Chunk>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#cursor?.resume(),
        cancel: () => this.#cursor?.leave(),
      },
      { highWaterMark: 1 },
    )
  }

  /** The cursor to notify when the socket wants more or the client has disconnected. Call it once, in the event-loop turn of the constructor. */
  attach(cursor: Pick<Cursor, 'resume' | 'leave'>): void {
    this.#cursor = cursor
  }

  get wantsMore(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0
  }

  write(chunk: Chunk): void {
    this.#controller.enqueue(chunk)
  }

  close(last: Chunk | undefined): void {
    try {
      if (last) this.#controller.enqueue(last)
      this.#controller.close()
      this.#abandon()
    } catch {
      // The client was quicker.
    }
  }
}
