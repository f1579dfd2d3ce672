import type { Socket } from 'bun'

/** A connection whose client sends what it likes. */
export interface HostileSocket extends Disposable {
  write(text: string): void
  /** Ends it at once, with a reset. */
  reset(): void
  /** Resolves with all that the server has sent, when it has closed the connection. */
  closed: Promise<string>
}

/** Opens a connection to a server, and sends nothing by itself. @throws {Error} when it is refused */
export async function connectTo(url: string): Promise<HostileSocket> {
  const { hostname, port } = new URL(url)
  const closed = Promise.withResolvers<string>()
  let received = ''
  const socket: Socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, bytes) => {
        received += bytes.toString('latin1')
      },
      close: () => closed.resolve(received),
      error: () => closed.resolve(received),
    },
  })
  return {
    write: (text) => void socket.write(text),
    reset: () => void socket.terminate(),
    closed: closed.promise,
    [Symbol.dispose]: () => void socket.terminate(),
  }
}

/** Opens as many connections as it can get of a number. @returns those that were accepted */
export async function connectMany(url: string, count: number): Promise<HostileSocket[]> {
  const results = await Promise.allSettled(Array.from({ length: count }, () => connectTo(url)))
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}
