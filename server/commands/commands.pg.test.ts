import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Runtime } from '../runtime.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { startFaultProxy } from '../testing/fault-proxy.ts'
import { startInstance, startProcess } from '../testing/instance.ts'
import { freePort } from '../testing/ports.ts'
import { publish } from '../testing/stream-reader.ts'

let database: TestDatabase
let instance: Runtime & AsyncDisposable
beforeAll(async () => {
  database = await createDatabase()
  instance = await startInstance(database.url)
})
afterAll(async () => {
  await instance[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const start = (args: string[], env: Record<string, string> = {}) =>
  Bun.spawn([process.execPath, 'server/main.ts', ...args], {
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'warn', DATABASE_URL: database.url, ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })

async function run(args: string[], { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {}) {
  const child = start(args, env)
  child.stdin.write(input)
  child.stdin.end()
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { out, error, code }
}

describe('publish', () => {
  test('prints the position', async () => {
    const { out, code } = await run(['publish', 'a.b', 'order.paid', '{"total":12}', '--url', instance.url])
    expect(code).toBe(0)
    expect(out).toMatch(/^\d+\n$/)
  })

  test('publishes text as a JSON string', async () => {
    const html = '<li>"Tea"</li>\n'
    const { out } = await run(['publish', 'text.1', 'message', '-', '--text', '--url', instance.url], { input: html })
    const page = await fetch(`${instance.url}/events?channel=text.1`, { headers: { accept: 'application/json' } })
    expect(await page.json()).toMatchObject({ events: [{ position: Number(out), type: 'message', data: html }] })
  })

  test('reads data from standard input, and publishes once with the same key', async () => {
    const args = ['publish', 'a.b', 't', '-', '--key', 'k1', '--url', instance.url]
    const first = await run(args, { input: '{"n": 1}' })
    expect(await run(args, { input: '{"n": 1}' })).toEqual(first)
  })

  test.each([
    [['publish', 'a b', 't'], 'channel.invalid', 1],
    [['publish', 'a', 't', 'hello'], 'not JSON', 2],
    [['publish', 'a', 't', '1', '--url', 'nonsense'], '--url', 2],
  ])('%p reports what is wrong', async (args, message, code) => {
    const result = await run(args, { env: { SSE_UPDATE_URL: instance.url } })
    expect(result.error).toContain(message)
    expect(result.code).toBe(code)
  })

  test('reports that no server responds', async () => {
    const result = await run(['publish', 'a', 't', '--url', `http://127.0.0.1:${await freePort()}`])
    expect(result.code).toBe(1)
    expect(result.error).toContain('Is the server running?')
  })
})

describe('tail', () => {
  test('prints NDJSON in a pipe, and resumes by itself after it was cut off', async () => {
    await using proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(instance.url).port) })
    const channel = `test.${crypto.randomUUID()}`
    const [position = 0] = await publish(instance.url, [{ channel, type: 't', data: 0 }])
    const child = start(['tail', channel, '--from', String(position - 1), '--url', `http://127.0.0.1:${proxy.port}`])
    const lines: { position: number; data: unknown }[] = []
    let text = ''
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const complete = text.split('\n').slice(lines.length, -1)
      for (const line of complete) lines.push(JSON.parse(line))
      if (complete.length === 0) continue
      if (lines.length % 2 === 0) proxy.cut()
      if (lines.length >= 6) break
      await publish(instance.url, [{ channel, type: 't', data: lines.length }])
    }
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    expect(lines.map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5])
    expect(lines[0]).toMatchObject({ position, channel, type: 't', time: expect.any(String) } as never)
  })

  test('keeps an event on one line, whatever line breaks its JSON has', async () => {
    const channel = `test.${crypto.randomUUID()}`
    const [position = 0] = await publish(instance.url, [{ channel: 'x', type: 't' }])
    await database.sql`select sse.publish(${channel}, 't', ${'{\n  "a": 1,\r\n  "b": "c\\nd"\n}'})`
    const child = start(['tail', channel, '--from', String(position), '--url', instance.url])
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      expect(chunk.trimEnd().split('\n')).toHaveLength(1)
      expect(JSON.parse(chunk)).toMatchObject({ data: { a: 1, b: 'c\nd' } })
      break
    }
    child.kill('SIGTERM')
    await child.exited
  })

  /** What it notes on standard error, up to a line that contains a text. */
  async function notesUntil(text: string, args: string[]): Promise<string[]> {
    const child = start(['tail', ...args])
    let notes = ''
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      notes += chunk
      if (notes.includes(text)) break
    }
    child.kill('SIGTERM')
    await child.exited
    return notes.trimEnd().split('\n')
  }

  test('names the cursor that is not of this log, and where it continues', async () => {
    const [position = 0] = await publish(instance.url, [{ channel: 'x', type: 't' }])
    const notes = await notesUntil('not of this log', ['a', '--from', '99-0ther', '--url', instance.url])
    expect(notes).toEqual([
      `connected to ${instance.url}`,
      `cursor 99-0ther is not of this log; continuing after position ${position}`,
    ])
  })

  test('names the address and the option that chooses it when no server responds', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const [first] = await notesUntil('--url', ['a', '--url', url])
    expect(first).toStartWith(`no stream from ${url} (`)
  })

  test('refuses a --from that is no cursor', async () => {
    const { code, error } = await run(['tail', 'a', '--from', 'foo', '--url', instance.url])
    expect([code, error]).toEqual([2, expect.stringContaining('--from is "foo"')])
  })

  test('ends with the reason when the server refuses', async () => {
    const { code, error } = await run(['tail', 'a..b', '--url', instance.url])
    expect(code).toBe(1)
    expect(error).toContain('channel.invalid')
  })
})

describe('verify', () => {
  const report = (out: string) => JSON.parse(out) as Record<string, unknown>

  test('ends with a clean ledger while streams are cut and stalled, and an instance is restarted', async () => {
    await using other = await startInstance(database.url)
    const args = [
      '--connections',
      '40',
      '--rate',
      '200',
      '--duration',
      '2',
      '--churn',
      '20',
      '--stall',
      '5',
      '--seed',
      '7',
    ]
    const { out, code } = await run([
      'verify',
      '--url',
      instance.url,
      '--url',
      other.url,
      ...args,
      '--restart-cmd',
      'exit 0',
      '--json',
    ])
    expect(report(out)).toMatchObject({ seed: 7, missing: 0, duplicated: 0, reordered: 0, gaps: 0, isClean: true })
    expect(report(out).delivered).toBeGreaterThan(2000)
    expect(report(out).reconnects).toBeGreaterThan(10)
    expect(code).toBe(0)
  })

  test.each(['websocket', 'poll', 'mixed'])('reads over --transport %s', async (transport) => {
    const args = ['--connections', '12', '--rate', '100', '--duration', '1', '--churn', '10', '--transport', transport]
    const { out, code } = await run(['verify', '--url', instance.url, ...args, '--json'])
    expect(report(out)).toMatchObject({ transport, missing: 0, duplicated: 0, reordered: 0, gaps: 0, isClean: true })
    expect(report(out).delivered).toBeGreaterThan(300)
    expect(code).toBe(0)
  })

  test.each(['verify', 'bench'])('%s refuses a transport that there is not', async (command) => {
    const { error, code } = await run([command, '--url', instance.url, '--transport', 'carrier-pigeon'])
    expect(error).toContain('Allowed choices are sse, websocket, poll, mixed.')
    expect(code).toBe(2)
  })

  test('prints a table', async () => {
    const { out } = await run([
      'verify',
      '--url',
      instance.url,
      '--connections',
      '4',
      '--rate',
      '50',
      '--duration',
      '1',
    ])
    for (const row of [
      'published',
      'acknowledged',
      'delivered',
      'missing',
      'duplicated',
      'reordered',
      'gaps announced',
      'latency p99',
      'reconnects',
    ]) {
      expect(out).toMatch(new RegExp(`^${row} +`, 'm'))
    }
    expect(out).toContain('The ledger is clean.')
  })

  test.each(['loses', 'doubles', 'swaps'] as const)(
    'finds out a server that %s events, and ends with 1',
    async (fault) => {
      await using server = startFaultyServer(fault)
      const { out, code } = await run([
        'verify',
        '--url',
        server.url,
        '--connections',
        '2',
        '--rate',
        '100',
        '--duration',
        '1',
        '--patience',
        '2',
        '--json',
      ])
      const { missing, duplicated, reordered } = report(out) as Record<string, number>
      const counts = { loses: missing, doubles: duplicated, swaps: reordered }
      expect(counts[fault]).toBeGreaterThan(0)
      expect([code, report(out).isClean]).toEqual([1, false])
    },
    120_000,
  )

  test('a restart command that fails proves nothing, and ends with 1', async () => {
    const args = ['--connections', '2', '--rate', '20', '--duration', '1', '--patience', '2', '--json']
    for (const [command, restart] of [
      ['exit 7', 'failed with exit code 7'],
      ['sleep 60', 'did not end within 2 s'],
    ] as const) {
      const { out, error, code } = await run(['verify', '--url', instance.url, ...args, '--restart-cmd', command])
      expect([code, report(out)]).toMatchObject([1, { isClean: true, restart }])
      expect(error).toContain('proves nothing')
    }
  })

  test('fails at once, with the reason, when the server refuses', async () => {
    const { code, error } = await run(['verify', '--url', `${instance.url}/nowhere`, '--connections', '2'])
    expect([code, error]).toEqual([1, expect.stringContaining('status 404')])
  })

  test('reports that the streams do not open', async () => {
    const { code, error } = await run([
      'verify',
      '--url',
      `http://127.0.0.1:${await freePort()}`,
      '--connections',
      '1',
      '--patience',
      '1',
    ])
    expect([code, error]).toEqual([1, expect.stringContaining('running?')])
  }, 120_000)
})

describe('migrate and sql', () => {
  const starts: { args: string[] }[] = [
    { args: ['sql', 'select 1'] },
    { args: ['work'] },
    { args: ['key', 'create', '--name', 'first', '--role', 'operator'] },
    { args: ['key', 'list'] },
    { args: ['key', 'revoke', 'first'] },
    { args: ['revoke', '--subject', 'alice'] },
  ]
  test.each(starts)('$args creates no database where there is none', async ({ args }) => {
    const directory = join(tmpdir(), `sse-update-none-${crypto.randomUUID()}`)
    const { error, code } = await run(args, { env: { DATABASE_URL: '', DATA_DIR: directory } })
    expect([code, error]).toEqual([1, expect.stringContaining(`There is no database in ${directory}.`)])
    expect(error).toContain('Run "sse-update migrate"')
    expect(existsSync(directory)).toBe(false)
  })

  test('after migrate, a key can be created before the first start, and that start is closed to everybody else', async () => {
    // Where the account of Postgres may enter, also when this runs as root.
    const directory = join('/var/tmp', `sse-update-first-${crypto.randomUUID()}`)
    const env = { DATABASE_URL: '', DATA_DIR: directory, PORT: '0' }
    try {
      expect(await run(['migrate'], { env })).toMatchObject({ code: 0 })
      const created = await run(['key', 'create', '--name', 'first', '--role', 'operator'], { env })
      expect([created.code, created.out]).toEqual([0, expect.stringMatching(/^ssek_/)])
      await using server = await startProcess({ DATA_DIR: directory })
      const statusOf = async (headers: Record<string, string>) =>
        (await fetch(`${server.url}/api/orders`, { headers })).status
      expect(await statusOf({})).toBe(401)
      expect(await statusOf({ authorization: `Bearer ${created.out.trim()}` })).toBe(200)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }, 120_000)

  test('migrate applies the migrations alone; again, it has nothing to do', async () => {
    await using empty = await createEmptyDatabase()
    for (let times = 0; times < 2; times++) {
      const { out, code } = await run(['migrate'], { env: { DATABASE_URL: empty.url } })
      expect([code, out]).toEqual([0, expect.stringContaining('The migrations are applied')])
    }
    const [row] = await empty.sql`select position from sse.head`
    expect(row).toEqual({ position: 0 })
  })

  test('migrate refuses a file that was changed after it was applied', async () => {
    await using own = await createDatabase()
    await own.sql`update sse.migration set checksum = 'another' where version = 1`
    const { error, code } = await run(['migrate'], { env: { DATABASE_URL: own.url } })
    expect([code, error]).toEqual([1, expect.stringContaining('was changed after it was applied')])
  })

  test('sql prints rows as JSON lines, and an error with its hint', async () => {
    expect(await run(['sql', `select n, 'x' as t from generate_series(1, 2) n`])).toMatchObject({
      code: 0,
      out: '{"n":1,"t":"x"}\n{"n":2,"t":"x"}\n',
    })
    const { code, error } = await run(['sql', `select sse.publish('a b', 't', '1')`])
    expect(code).toBe(1)
    expect(error).toContain('dot-separated tokens')
  })
})

describe('help', () => {
  test.each([[[]], [['serve']], [['migrate']], [['publish']], [['tail']], [['sql']], [['bench']], [['verify']]])(
    '%p --help explains',
    async (command) => {
      const { out, code } = await run([...command, '--help'])
      expect(code).toBe(0)
      expect(out).toContain('Usage: sse-update')
    },
  )

  test('serve explains every setting with its default and unit', async () => {
    const { out } = await run(['serve', '--help'])
    expect(out).toContain('HEARTBEAT_MS  (default 15000; ms)')
    expect(out).toContain('DATABASE_LISTEN_URL')
  })
})

/** A server that acknowledges every event, and does not deliver as it should. */
function startFaultyServer(fault: 'loses' | 'doubles' | 'swaps') {
  let position = 0
  const streams = new Set<ReadableStreamDefaultController<string>>()
  let held: string | undefined
  const deliver = (frame: string, at: number) => {
    const frames = at % 10 !== 3 ? [frame] : { loses: [], doubles: [frame, frame], swaps: [] }[fault]
    if (fault === 'swaps' && at % 10 === 3) held = frame
    else if (held !== undefined) {
      frames.push(held)
      held = undefined
    }
    for (const stream of streams) for (const each of frames) stream.enqueue(each)
  }
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (request.url.endsWith('/healthz')) return new Response()
      if (request.method === 'POST') {
        const events = (await request.json()) as { data: unknown }[]
        const positions = events.map(({ data }) => {
          position++
          deliver(`event: verify\ndata: {"data":${JSON.stringify(data)}}\nid: ${position}\n\n`, position)
          return position
        })
        return Response.json({ positions }, { status: 201 })
      }
      return new Response(
        new ReadableStream<string>({
          start(controller) {
            streams.add(controller)
            controller.enqueue(`event: ready\ndata: {"cursor":${position},"heartbeat":60000}\nid: ${position}\n\n`)
          },
          cancel: () => {},
        }),
      )
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) }
}
