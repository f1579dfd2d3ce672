import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A TCP proxy on 127.0.0.1 that simulates network faults.
 *
 * - `cut`: all connections end at once, as after the crash of a router
 * - `stall`: bytes stop in both directions and connections stay open; `flow` delivers the bytes
 * - `blackhole`: as `stall`, but bytes sent in the meantime are lost and the connections never recover
 * - `refuse`: new connections are refused until `accept`
 * - `delay`: bytes arrive late
 */
export interface FaultProxy extends AsyncDisposable {
  port: number
  /** Number of open connections. */
  readonly open: number
  cut(): void
  stall(): void
  flow(): void
  blackhole(): void
  refuse(): Promise<void>
  accept(): Promise<void>
  /** @param ms delay of all bytes in milliseconds; `0` disables it */
  delay(ms: number): void
}

type Mode = 'flow' | 'stall' | 'blackhole'

interface Pair {
  client: Socket
  upstream: Socket
  isLost: boolean
}

/**
 * Starts a proxy on a free port.
 *
 * @param target where connections are forwarded, such as `{ host: '127.0.0.1', port: 5432 }`
 */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>()
  let mode: Mode = 'flow'
  let lateness = 0

  const forward = (pair: Pair, from: Socket, to: Socket) => {
    from.on('data', (bytes: Buffer) => {
      if (mode === 'blackhole') pair.isLost = true
      if (pair.isLost) return
      if (lateness > 0) setTimeout(() => to.write(bytes), lateness)
      else if (!to.write(bytes)) {
        from.pause()
        to.once('drain', () => mode !== 'stall' && from.resume())
      }
    })
    from.on('close', () => {
      if (to.destroyed) pairs.delete(pair)
      // The other side of a black hole does not see the end of the connection.
      if (!pair.isLost) to.destroy()
    })
    from.on('error', () => {})
  }

  const onConnection = (client: Socket) => {
    const upstream = connect(target)
    const pair = { client, upstream, isLost: mode === 'blackhole' }
    pairs.add(pair)
    forward(pair, client, upstream)
    forward(pair, upstream, client)
    if (mode === 'stall') pauseBoth(pair)
  }

  let server = await listen(onConnection, 0)
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const { client, upstream } of pairs) {
      client.destroy()
      upstream.destroy()
    }
  }
  const refuse = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      cut()
    })
  return {
    port,
    get open() {
      return pairs.size
    },
    cut,
    stall() {
      mode = 'stall'
      for (const pair of pairs) pauseBoth(pair)
    },
    flow() {
      mode = 'flow'
      for (const { client, upstream } of pairs) {
        client.resume()
        upstream.resume()
      }
    },
    blackhole() {
      mode = 'blackhole'
      for (const pair of pairs) pair.isLost = true
    },
    refuse,
    async accept() {
      server = await listen(onConnection, port)
    },
    delay(ms) {
      lateness = ms
    },
    [Symbol.asyncDispose]: refuse,
  }
}

function pauseBoth({ client, upstream }: Pair): void {
  client.pause()
  upstream.pause()
}

const listen = (onConnection: (client: Socket) => void, port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(onConnection)
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
