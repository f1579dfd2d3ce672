import { beforeAll, describe, expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { AppError } from '../platform/errors.ts'
import { Turns } from '../platform/turns.ts'
import { MemorySink } from '../testing/memory-sink.ts'
import { until } from '../testing/until.ts'
import { SSE } from '../transports/sse/encoding.ts'
import { StreamSink } from '../transports/sse/stream-sink.ts'
import { Cursor } from './cursor.ts'
import type { CursorOptions } from './cursor-options.ts'
import type { ReplayStep } from './replay.ts'
import { createSelection } from './selection.ts'
import type { Sink } from './sink.ts'

const encode = (text: string) => new TextEncoder().encode(text)

const READY = {
  connection: 'c',
  instance: 'i',
  channels: ['a'],
  cursor: '0-e1',
  oldest: 1,
  head: 0,
  resumed: true,
  heartbeat: 1000,
}

/** What a client can do with a sink. */
interface Client {
  sink: Sink
  attach: (cursor: Cursor) => void
  /** The next chunk; `undefined` after the end. */
  read: () => Promise<Uint8Array | undefined>
  cancel: () => unknown
}

/** The engine knows no transport: whatever the sink, all of this holds. */
const SINKS: Record<string, () => Client> = {
  'the body of a response': () => {
    const sink = new StreamSink(() => {})
    const reader = sink.stream.getReader()
    return {
      sink,
      attach: (cursor) => sink.attach(cursor),
      read: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
    }
  },
  memory: () => {
    const sink = new MemorySink()
    return { sink, attach: (cursor) => sink.attach(cursor), read: () => sink.read(), cancel: () => sink.cancel() }
  },
}

/** Of the tests that run. */
let createClient: () => Client

/** A cursor at 0 of a log whose events are the texts `1;`, `2;`, …, and a client that reads on request. */
function connect(more: Partial<CursorOptions> = {}) {
  const log = { position: 0, replays: 0, replayed: 0, replayedBytes: 0, closed: '', isAhead: false }
  const client = createClient()
  const shared = new Turns()
  const cursor = new Cursor({
    id: 'c',
    clientId: null,
    sink: client.sink,
    selection: createSelection(['a']),
    encoding: SSE,
    start: 0,
    ready: READY,
    gap: undefined,
    retry: 100,
    heartbeat: 1000,
    stallTimeout: 5000,
    served: () => log.position,
    epoch: () => 'e1',
    turn: () => shared.enter(),
    replay: (after): ReplayStep => {
      log.replays++
      return { chunk: encode(`${after + 1};`), events: 1, cursor: after + 1 }
    },
    onReplayed: (events, bytes) => {
      log.replayed += events
      log.replayedBytes += bytes
    },
    onAhead: () => {
      log.isAhead = true
    },
    onClose: (reason) => {
      log.closed = reason
    },
    onError: (error) => {
      throw error
    },
    ...more,
  })
  client.attach(cursor)
  const read = async () => new TextDecoder().decode(await client.read())
  /** Everything up to and with the given text. */
  const readUntil = async (end: string) => {
    let text = ''
    while (!text.endsWith(end)) text += await read()
    return text
  }
  return { cursor, log, read, readUntil, client }
}

/** What a flush does that began at `from`. */
function offer(cursor: Cursor, chunk: Uint8Array<ArrayBuffer>, from: number): void {
  if (cursor.expect(from)) cursor.offer(chunk)
}

/** Lets everything happen that waits for no timer: two turns of the event loop, for streams read ahead in the first. */
async function settle(): Promise<void> {
  await setImmediate()
  await setImmediate()
}

describe.each(Object.keys(SINKS))('a cursor that writes to %s', (sink) => {
  beforeAll(() => {
    createClient = SINKS[sink] as () => Client
  })

  test('sends ready, catches up from its position, and is live', async () => {
    const { cursor, log, read, readUntil } = connect()
    log.position = 3
    expect(await read()).toContain('event: ready')
    expect(await readUntil('3;')).toBe('1;2;3;')
    await settle()
    expect([cursor.isLive, cursor.position]).toEqual([true, 3])
  })

  test('that is live gets what is offered, and moves with all others', async () => {
    const { cursor, log, read, client } = connect()
    await read()
    await settle()
    const next = client.read()
    offer(cursor, encode('1;'), 0)
    log.position = 1
    expect(new TextDecoder().decode(await next)).toBe('1;')
    expect([cursor.isLive, cursor.position, log.replays]).toEqual([true, 1, 0])
  })

  test('whose socket is busy queues nothing: it falls behind, and resumes when the socket wants more', async () => {
    const { cursor, log, read, readUntil } = connect()
    await read()
    await settle()
    for (let position = 1; position <= 100; position++) {
      offer(cursor, encode(`${position};`), position - 1)
      log.position = position
    }
    expect([cursor.isLive, cursor.position]).toEqual([false, 1])
    const text = await readUntil('100;')
    expect(text).toBe(Array.from({ length: 100 }, (_, index) => `${index + 1};`).join(''))
    await settle()
    expect(cursor.isLive).toBe(true)
  })

  test('that waits for its chunk in a flush keeps its position, also when it ends', async () => {
    const { cursor, log, read } = connect()
    await read()
    await settle()
    cursor.expect(0)
    log.position = 1
    expect([cursor.isLive, cursor.position]).toEqual([true, 0])
    cursor.close('shutdown')
    cursor.offer(encode('1;'))
    expect(await read()).toContain('id: 0-e1\n')
  })

  test('whose position the instance has not reached yet waits, and misses nothing', async () => {
    const { cursor, log, read, readUntil } = connect({
      start: 5,
      ready: { ...READY, cursor: '5-e1', head: 5 },
    })
    await read()
    await settle()
    expect([cursor.isLive, log.isAhead]).toEqual([false, true])
    offer(cursor, encode('not for it;'), 0)
    log.position = 7
    void cursor.advance()
    expect(await readUntil('7;')).toBe('6;7;')
  })

  test('that jumps sends the gap before anything else', async () => {
    const { cursor, log, read, readUntil } = connect()
    await read()
    await settle()
    log.position = 10
    cursor.jump({ from: 0, to: 9, reason: 'purged' })
    const text = await readUntil('10;')
    expect(text).toStartWith('event: gap\ndata: {"from":0,"to":9,"reason":"purged"}\nid: 9-e1\n\n')
    expect(text).toEndWith('\n\n10;')
  })

  test('stays open while Postgres is unavailable, and resumes', async () => {
    let failures = 0
    const { log, read, readUntil } = connect({
      replay: (after) => {
        if (failures++ === 0) throw new AppError('database.unavailable', 'unavailable', { status: 503 })
        return { chunk: encode(`${after + 1};`), events: 1, cursor: after + 1 }
      },
    })
    log.position = 1
    await read()
    expect(await readUntil('1;')).toBe('1;')
  })

  test('yields to the event loop while it searches a long window for few events', async () => {
    const { log, read, cursor } = connect({
      replay: (after) => {
        Bun.sleepSync(2)
        return { events: 0, cursor: after + 1 }
      },
    })
    log.position = 50
    let turns = 0
    const others = setInterval(() => turns++, 1)
    await read()
    await until('the cursor is live', () => cursor.isLive)
    clearInterval(others)
    expect(turns).toBeGreaterThan(5)
  })
})

describe.each(Object.keys(SINKS))('time, with a cursor that writes to %s', (sink) => {
  beforeAll(() => {
    createClient = SINKS[sink] as () => Client
  })

  const at = (ms: number) => performance.now() + ms

  test('a heartbeat comes after silence, with the cursor', async () => {
    const { cursor, log, read } = connect()
    await read()
    await settle()
    log.position = 0
    cursor.tick(at(500))
    cursor.tick(at(1001))
    expect(await read()).toMatch(/^event: heartbeat\ndata: .*\nid: 0-e1\n\n$/)
  })

  test('a comment comes after three seconds without a byte, and does not put off the heartbeat', async () => {
    const { cursor, read } = connect({ heartbeat: 5000 })
    await read()
    await settle()
    expect(cursor.tick(at(2900))).toBe(false)
    expect(cursor.tick(at(3001))).toBe(true)
    expect(await read()).toBe(':\n')
    await settle()
    expect(cursor.tick(at(2900))).toBe(false)
    expect(cursor.tick(at(5001))).toBe(true)
    expect(await read()).toStartWith('event: heartbeat\n')
  })

  test('a reader that takes nothing gets no comment, and comments do not put off the stall limit', async () => {
    const { cursor, log, read } = connect({ heartbeat: 60_000 })
    await read()
    await settle()
    expect(cursor.tick(at(3001))).toBe(true)
    expect(cursor.tick(at(4500))).toBe(false)
    expect(log.closed).toBe('')
    cursor.tick(at(5100))
    expect(log.closed).toBe('stalled')
  })

  test('a reader without progress is closed as stalled, but not one that only had nothing to read', async () => {
    const { cursor, log, read } = connect({ heartbeat: 60_000 })
    await read()
    await settle()
    cursor.tick(at(6000))
    expect(log.closed).toBe('')
    for (let position = 1; position <= 3; position++) offer(cursor, encode(`${position};`), position - 1)
    log.position = 3
    cursor.tick(at(4000))
    expect(log.closed).toBe('')
    cursor.tick(at(6000))
    expect(log.closed).toBe('stalled')
  })

  test('a stall timeout of 0 closes no stream', async () => {
    const { cursor, log, read } = connect({ stallTimeout: 0 })
    await read()
    for (let position = 1; position <= 3; position++) offer(cursor, encode(`${position};`), position - 1)
    cursor.tick(at(10_000_000))
    expect(log.closed).toBe('')
  })
})

describe.each(Object.keys(SINKS))('the end of a cursor that writes to %s', (sink) => {
  beforeAll(() => {
    createClient = SINKS[sink] as () => Client
  })

  test('comes with closing: the reason, a reconnection time and the cursor, once', async () => {
    const { cursor, log, read, client } = connect()
    await read()
    await settle()
    cursor.close('shutdown', 250)
    cursor.close('replaced')
    expect(await read()).toBe('event: closing\ndata: {"reason":"drain","retry":250}\nretry: 250\nid: 0-e1\n\n')
    expect(await client.read()).toBeUndefined()
    expect(log.closed).toBe('shutdown')
  })

  test('of a reader that is behind has the cursor of what it was given', async () => {
    const { cursor, log, read, readUntil } = connect()
    await read()
    await settle()
    for (let position = 1; position <= 5; position++) {
      offer(cursor, encode(`${position};`), position - 1)
      log.position = position
    }
    cursor.close('replaced')
    expect(await readUntil('\n\n')).toBe(
      '1;event: closing\ndata: {"reason":"replaced","retry":100}\nretry: 100\nid: 1-e1\n\n',
    )
  })

  test('before a gap that was not received moves no cursor', async () => {
    const { cursor, log, readUntil } = connect({ gap: { from: 70, to: 3, reason: 'unknown' } })
    log.position = 3
    cursor.close('shutdown', 250)
    const text = await readUntil('retry: 250\n\n')
    expect(text).toContain('event: closing\n')
    expect(text).not.toContain('id:')
  })

  test('of a client that disconnects is reported', async () => {
    const { log, client } = connect()
    await client.cancel()
    expect(log.closed).toBe('client')
  })
})
