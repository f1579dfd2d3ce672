/** The server's side of one streamed response, and the request that it is for. */
export class FakeStream {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #encoder = new TextEncoder()

  constructor(
    readonly url: URL,
    controller: ReadableStreamDefaultController<Uint8Array>,
  ) {
    this.#controller = controller
  }

  /** Sends a frame. @param retry adds the field of this name */
  send(event: string | undefined, data: object, id?: string | number, retry?: number): void {
    const lines = [
      ...(event === undefined ? [] : [`event: ${event}`]),
      `data: ${JSON.stringify(data)}`,
      ...(retry === undefined ? [] : [`retry: ${retry}`]),
      ...(id === undefined ? [] : [`id: ${id}`]),
    ]
    this.#controller.enqueue(this.#encoder.encode(`${lines.join('\n')}\n\n`))
  }

  /** The server ends the response. */
  end(): void {
    this.#controller.close()
  }

  /** The connection breaks. */
  break(): void {
    this.#controller.error(new Error('the connection was lost'))
  }
}

/** Streams that `fetch` has opened, oldest first, and how to undo the replacement of `fetch`. */
export interface FakeStreams {
  streams: FakeStream[]
  restore: () => void
}

/** Replaces `fetch`. @param refuse a response instead of a stream, for the request with this number (from 0) */
export function fakeStreams(refuse: (index: number) => Response | undefined = () => undefined): FakeStreams {
  const before = globalThis.fetch
  const streams: FakeStream[] = []
  let count = 0
  globalThis.fetch = (async (url: string, { signal }: RequestInit = {}) => {
    signal?.throwIfAborted()
    const refusal = refuse(count++)
    if (refusal) return refusal
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.push(new FakeStream(new URL(url, 'http://localhost'), controller))
        signal?.addEventListener('abort', () => controller.error(signal.reason))
      },
    })
    return new Response(body)
  }) as typeof fetch
  return {
    streams,
    restore() {
      globalThis.fetch = before
    },
  }
}
