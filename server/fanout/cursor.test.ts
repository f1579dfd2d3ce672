import { describe, expect, test } from 'bun:test'
import { AppError } from '../platform/errors.ts'
import { Connection, type ConnectionOptions } from './cursor.ts'
import type { ReplayStep } from './replay.ts'

const encode = (text: string) => new TextEncoder().encode(text)

const READY = {
  connection: 'c',
  instance: 'i',
  channels: ['a'],
  cursor: 0,
  oldest: 1,
  head: 0,
  resumed: true,
  heartbeat: 1000,
}

/** A connection at cursor 0 of a log whose events are the texts `1;`, `2;`, …, and a reader that reads when told to. */
function connect(more: Partial<ConnectionOptions> = {}) {
  const log = { position: 0, replays: 0, closed: '', isAhead: false }
  const connection = new Connection({
    id: 'c',
    clientId: null,
    ready: { ...READY, cursor: 0 },
    gap: undefined,
    retry: 100,
    heartbeat: 1000,
    stallTimeout: 5000,
    position: () => log.position,
    replay: (cursor): ReplayStep => {
      log.replays++
      return { chunk: encode(`${cursor + 1};`), cursor: cursor + 1 }
    },
    onAhead: () => {
      log.isAhead = true
    },
    abandon: () => {},
    onClose: (reason) => {
      log.closed = reason
    },
    onError: (error) => {
      throw error
    },
    ...more,
  })
  const reader = connection.stream.getReader()
  const read = async () => new TextDecoder().decode((await reader.read()).value)
  /** Everything up to and with the given text. */
  const readUntil = async (end: string) => {
    let text = ''
    while (!text.endsWith(end)) text += await read()
    return text
  }
  return { connection, log, read, readUntil, reader }
}

/** What a flush does that began at `from`. */
function offer(connection: Connection, chunk: Uint8Array<ArrayBuffer>, from: number): void {
  if (connection.expect(from)) connection.offer(chunk)
}

/** Lets everything that is promised happen. */
const settle = () => Bun.sleep(1)

describe('a connection', () => {
  test('says ready, catches up from its cursor, and is live', async () => {
    const { connection, log, read, readUntil } = connect()
    log.position = 3
    expect(await read()).toContain('event: ready')
    expect(await readUntil('3;')).toBe('1;2;3;')
    await settle()
    expect([connection.isLive, connection.cursor]).toEqual([true, 3])
  })

  test("that is live gets what is offered, and its cursor is everybody's", async () => {
    const { connection, log, read, reader } = connect()
    await read()
    await settle()
    const next = reader.read()
    offer(connection, encode('1;'), 0)
    log.position = 1
    expect(new TextDecoder().decode((await next).value)).toBe('1;')
    expect([connection.isLive, connection.cursor, log.replays]).toEqual([true, 1, 0])
  })

  test('whose socket is busy queues nothing: it falls behind, and reads on when the socket wants more', async () => {
    const { connection, log, read, readUntil } = connect()
    await read()
    await settle()
    for (let position = 1; position <= 100; position++) {
      offer(connection, encode(`${position};`), position - 1)
      log.position = position
    }
    expect([connection.isLive, connection.cursor]).toEqual([false, 1])
    const text = await readUntil('100;')
    expect(text).toBe(Array.from({ length: 100 }, (_, index) => `${index + 1};`).join(''))
    await settle()
    expect(connection.isLive).toBe(true)
  })

  test('that waits for its turn in a flush has the cursor that it had before, also when it ends', async () => {
    const { connection, log, read } = connect()
    await read()
    await settle()
    connection.expect(0)
    log.position = 1
    expect([connection.isLive, connection.cursor]).toEqual([true, 0])
    connection.close('shutdown')
    connection.offer(encode('1;'))
    expect(await read()).toContain('id: 0\n')
  })

  test('whose cursor lies beyond what this instance has read waits, and misses nothing', async () => {
    const { connection, log, read, readUntil } = connect({
      ready: { ...READY, cursor: 5, head: 5 },
    })
    await read()
    await settle()
    expect([connection.isLive, log.isAhead]).toEqual([false, true])
    offer(connection, encode('not for it;'), 0)
    log.position = 7
    void connection.advance()
    expect(await readUntil('7;')).toBe('6;7;')
  })

  test('that jumps is told of the gap before anything else', async () => {
    const { connection, log, read, readUntil } = connect()
    await read()
    await settle()
    log.position = 10
    connection.jump({ from: 0, to: 9, reason: 'purged' })
    const text = await readUntil('10;')
    expect(text).toStartWith('event: gap\ndata: {"from":0,"to":9,"reason":"purged"}\nid: 9\n\n')
    expect(text).toEndWith('\n\n10;')
  })

  test('stays open while Postgres is away, and goes on', async () => {
    let failures = 0
    const { log, read, readUntil } = connect({
      replay: (cursor) => {
        if (failures++ === 0) throw new AppError('database.unavailable', 'away', { status: 503 })
        return { chunk: encode(`${cursor + 1};`), cursor: cursor + 1 }
      },
    })
    log.position = 1
    await read()
    expect(await readUntil('1;')).toBe('1;')
  })

  test('lets others have their turn while it looks through a long window for little', async () => {
    const { log, read, connection } = connect({
      replay: (cursor) => {
        Bun.sleepSync(2)
        return { cursor: cursor + 1 }
      },
    })
    log.position = 50
    let turns = 0
    const others = setInterval(() => turns++, 1)
    await read()
    while (!connection.isLive) await Bun.sleep(1)
    clearInterval(others)
    expect(turns).toBeGreaterThan(5)
  })
})

describe('time', () => {
  const at = (ms: number) => performance.now() + ms

  test('a heartbeat comes after silence, with the cursor', async () => {
    const { connection, log, read } = connect()
    await read()
    await settle()
    log.position = 0
    connection.tick(at(500))
    connection.tick(at(1001))
    expect(await read()).toMatch(/^event: heartbeat\ndata: .*\nid: 0\n\n$/)
  })

  test('a comment comes after three seconds without a byte, and does not put off the heartbeat', async () => {
    const { connection, read } = connect({ heartbeat: 5000 })
    await read()
    await settle()
    expect(connection.tick(at(2900))).toBe(false)
    expect(connection.tick(at(3001))).toBe(true)
    expect(await read()).toBe(':\n')
    await settle()
    expect(connection.tick(at(2900))).toBe(false)
    expect(connection.tick(at(5001))).toBe(true)
    expect(await read()).toStartWith('event: heartbeat\n')
  })

  test('a reader that takes nothing gets no comment, and comments do not put off the stall limit', async () => {
    const { connection, log, read } = connect({ heartbeat: 60_000 })
    await read()
    await settle()
    expect(connection.tick(at(3001))).toBe(true)
    expect(connection.tick(at(4500))).toBe(false)
    expect(log.closed).toBe('')
    connection.tick(at(5100))
    expect(log.closed).toBe('stalled')
  })

  test('a reader without progress is closed as stalled, but not one that only had nothing to read', async () => {
    const { connection, log, read } = connect({ heartbeat: 60_000 })
    await read()
    await settle()
    connection.tick(at(6000))
    expect(log.closed).toBe('')
    for (let position = 1; position <= 3; position++) offer(connection, encode(`${position};`), position - 1)
    log.position = 3
    connection.tick(at(4000))
    expect(log.closed).toBe('')
    connection.tick(at(6000))
    expect(log.closed).toBe('stalled')
  })

  test('a stall limit of 0 closes nobody', async () => {
    const { connection, log, read } = connect({ stallTimeout: 0 })
    await read()
    for (let position = 1; position <= 3; position++) offer(connection, encode(`${position};`), position - 1)
    connection.tick(at(10_000_000))
    expect(log.closed).toBe('')
  })
})

describe('the end', () => {
  test('comes with closing: the reason, a reconnection time and the cursor, once', async () => {
    const { connection, log, read, reader } = connect()
    await read()
    await settle()
    connection.close('shutdown', 250)
    connection.close('replaced')
    expect(await read()).toBe('event: closing\ndata: {"reason":"drain","retry":250}\nretry: 250\nid: 0\n\n')
    expect((await reader.read()).done).toBe(true)
    expect(log.closed).toBe('shutdown')
  })

  test('of a reader that is behind has the cursor of what it was given', async () => {
    const { connection, log, read, readUntil } = connect()
    await read()
    await settle()
    for (let position = 1; position <= 5; position++) {
      offer(connection, encode(`${position};`), position - 1)
      log.position = position
    }
    connection.close('replaced')
    expect(await readUntil('\n\n')).toBe(
      '1;event: closing\ndata: {"reason":"replaced","retry":100}\nretry: 100\nid: 1\n\n',
    )
  })

  test('before a gap that was not received moves no cursor', async () => {
    const { connection, log, readUntil } = connect({ gap: { from: 70, to: 3, reason: 'unknown' } })
    log.position = 3
    connection.close('shutdown', 250)
    const text = await readUntil('retry: 250\n\n')
    expect(text).toContain('event: closing\n')
    expect(text).not.toContain('id:')
  })

  test('of a client that goes is told', async () => {
    const { log, reader } = connect()
    await reader.cancel()
    expect(log.closed).toBe('client')
  })
})
