import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { HEAD_TIMEOUT, MAX_HEAD_BYTES } from '../../http/limits.ts'
import { SECOND, sleep } from '../../platform/time.ts'
import { closeCodeOf } from '../../protocol/close-codes.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { connectMany, connectTo, type HostileSocket } from '../../testing/hostile-sockets.ts'
import { type InstanceProcess, startProcess } from '../../testing/instance.ts'
import { OPCODE, openRawSocket } from '../../testing/raw-socket.ts'
import { openStream } from '../../testing/stream-reader.ts'
import { until } from '../../testing/until.ts'

/** `FAULTS=full` adds the storm at full size: 10,000 connections a second for ten seconds. */
const isFull = process.env.FAULTS === 'full'
const STORM = { perSecond: 1000, seconds: 2 }

let database: TestDatabase
let instance: InstanceProcess
beforeAll(async () => {
  database = await createDatabase()
  instance = await startProcess({ DATABASE_URL: database.url })
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

let attacks = 0

/**
 * Runs an attack while an ordinary client publishes and another one follows the channel: every publish must be acknowledged, and
 * every event arrive once, in order.
 *
 * @returns how many events, and the longest time in milliseconds that a publish took
 */
async function whileServing({ url }: { url: string }, attack: () => Promise<unknown>) {
  const channel = `attack.${++attacks}`
  await using stream = await openStream(url, [channel])
  let isOver = false
  let published = 0
  let longest = 0
  const publishing = (async () => {
    while (!isOver || published === 0) {
      const start = performance.now()
      await publish(url, channel, ++published)
      longest = Math.max(longest, performance.now() - start)
      await sleep(20)
    }
  })()
  await Promise.all([publishing, attack().finally(() => (isOver = true))])
  await stream.untilEvents(published)
  expect(stream.events.map(({ data }) => data)).toEqual(Array.from({ length: published }, (_, n) => n + 1))
  return { published, longest }
}

/** Publishes once: a connection that is refused or closed is tried again with the key of the same request. */
async function publish(url: string, channel: string, data: number): Promise<void> {
  const body = JSON.stringify({ channel, type: 't', data, key: `${channel} ${data}` })
  const headers = { 'content-type': 'application/json' }
  const attempt = () => fetch(`${url}/events`, { method: 'POST', headers, body }).catch(() => undefined)
  const response = await until('the server accepts a connection', attempt)
  expect(response?.status).toBe(201)
}

const request = (url: string) => `GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`

describe('clients that do not send a request', () => {
  test('are disconnected in seconds, whether they are silent or send its head byte by byte', async () => {
    const begin = performance.now()
    const { published } = await whileServing(instance, async () => {
      const silent = await connectMany(instance.url, 100)
      const slow = await connectMany(instance.url, 100)
      const head = `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${'X-Name: value\r\n'.repeat(100)}`
      let sent = 0
      const drip = setInterval(() => {
        for (const socket of slow) socket.write(head[sent] ?? 'x')
        sent++
      }, 250)
      expect(silent.length + slow.length).toBe(200)
      const received = await Promise.all([...silent, ...slow].map(({ closed }) => closed))
      clearInterval(drip)
      expect(received.filter(Boolean)).toEqual([])
      // The bytes that came did not give them more time. The rest is for a machine that is busy.
      expect(performance.now() - begin).toBeLessThan(4 * HEAD_TIMEOUT * SECOND)
    })
    expect(published).toBeGreaterThan(10)
  })

  test('do not keep a client from sending its requests one after the other on a connection that stays open', async () => {
    using socket = await connectTo(instance.url)
    for (let n = 0; n < 3; n++) {
      socket.write(request(instance.url))
      await sleep(50)
    }
    socket.write(request(instance.url).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    expect((await socket.closed).match(/HTTP\/1.1 200 OK/g)).toHaveLength(4)
  })
})

describe('heads that are too large', () => {
  test.each<[string, string]>([
    ['in one header', `X-Name: ${'a'.repeat(2 ** 20)}\r\n`],
    ['in thousands of headers', 'X-Name: value\r\n'.repeat(5000)],
    ['in the path', ''],
    ['in a head that has no end', `X-Name: ${'a'.repeat(MAX_HEAD_BYTES)}`],
  ])('%s are refused with 431 as soon as they are', async (where, headers) => {
    const path = where === 'in the path' ? `/${'a'.repeat(2 ** 20)}` : '/healthz'
    await whileServing(instance, async () => {
      const sockets = await connectMany(instance.url, 20)
      for (const socket of sockets) socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
      for (const text of await Promise.all(sockets.map(({ closed }) => closed))) {
        // The connection is closed while the rest arrives, which may reset it before the response is read.
        if (text !== '') expect(text).toStartWith('HTTP/1.1 431 ')
      }
    })
  })
})

/** Connections at an even pace. @param use what the client does with each */
async function storm(
  url: string,
  { perSecond, seconds }: typeof STORM,
  use: (socket: HostileSocket, n: number) => void,
) {
  const begin = performance.now()
  const total = perSecond * seconds
  const open = async (n: number) => {
    const socket = await connectTo(url).catch(() => undefined)
    if (!socket) return
    use(socket, n)
  }
  const all: Promise<void>[] = []
  while (all.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - begin) / SECOND) * perSecond))
    while (all.length < due) all.push(open(all.length))
    await sleep(5)
  }
  await Promise.all(all)
}

describe('a storm of connections', () => {
  test.skipIf(!isFull)('of 10,000 a second for ten seconds delays no publish by more than two seconds', async () => {
    let figures = ''
    const served = await whileServing(instance, async () => {
      const command = [process.execPath, `${import.meta.dir}/../../testing/storm.ts`, instance.url, '10000', '10']
      figures = await new Response(Bun.spawn(command, { stdout: 'pipe' }).stdout).text()
    })
    process.stderr.write(`${figures.trim()} ${JSON.stringify(served)}\n`)
    expect(JSON.parse(figures)).toMatchObject({ opened: 100_000, refused: 0 })
    expect(served.longest).toBeLessThan(2 * SECOND)
  })

  test.each<[string, (socket: HostileSocket, n: number) => void]>([
    ['that are reset at once', (socket) => socket.reset()],
    [
      'that are reset in the middle of a request, before its response or in a stream',
      (socket, n) => {
        const head = `GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\nAccept: ${n % 2 ? 'text/event-stream' : 'application/json'}\r\n`
        socket.write(n % 3 === 0 ? head : `${head}\r\n`)
        setTimeout(() => socket.reset(), n % 20)
      },
    ],
  ])('%s leaves nothing behind', async (_title, use) => {
    const open = await openFiles(instance)
    await whileServing(instance, () => storm(instance.url, STORM, use))
    await until(
      'all connections are closed',
      () => openFiles(instance),
      (now) => now <= open + 10,
    )
    const metrics = async () => (await fetch(`${instance.url}/metrics`)).text()
    await until('all streams have ended', metrics, (text) => text.includes('sse_update_connections 0\n'), 10 * SECOND)
  })

  test('that stay open without a request does not use up the open files, and WebSockets opened after it live and are limited', async () => {
    const limit = 400
    const command = ['sh', '-c', `ulimit -n ${limit} && exec "$0" server/main.ts "$@"`, process.execPath]
    await using small = await startProcess({ DATABASE_URL: database.url, HEARTBEAT_MS: '1000' }, { command })
    const held: HostileSocket[] = []
    let most = 0
    await whileServing(small, async () => {
      await storm(small.url, { perSecond: 1000, seconds: 1 }, (socket) => held.push(socket))
      await until('new connections are refused', () => small.output.includes('new connections are refused'))
      most = await openFiles(small)
      for (const socket of held) socket.reset()
      await until('a new connection is accepted', async () => {
        const response = await fetch(`${small.url}/healthz`).catch(() => undefined)
        return response?.ok
      })
    })
    expect(most).toBeLessThan(limit)
    const metrics = await (await fetch(`${small.url}/metrics`)).text()
    expect(metrics).toMatch(/limits_reached_total\{limit="open_files"\} [1-9]/)
    for (const socket of held) socket[Symbol.dispose]()
    await answersPings(small.url)
    await refusesPings(small.url)
  }, 60_000)
})

/** Fails when a WebSocket that answers the pings of the server is not kept. */
async function answersPings(url: string): Promise<void> {
  using socket = await openRawSocket(url, '?channel=a')
  const pings = () => socket.frames.filter(({ opcode }) => opcode === OPCODE.ping).length
  // One that is not heard is ended at the second.
  for (let answered = 0; answered < 3; answered++) {
    await until('a ping', pings, (count) => count > answered, 20 * SECOND)
    socket.send(OPCODE.pong)
  }
}

/** Fails when a WebSocket may send any number of pings. */
async function refusesPings(url: string): Promise<void> {
  using socket = await openRawSocket(url, '?channel=a')
  for (let n = 0; n < 500; n++) socket.send(OPCODE.ping, 'x')
  expect(await socket.closeCode()).toBe(closeCodeOf('flood'))
}

/** Open file descriptors of the server. */
async function openFiles({ pid }: InstanceProcess): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}
