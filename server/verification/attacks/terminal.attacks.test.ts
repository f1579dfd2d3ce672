import { afterAll, describe, expect, test } from 'bun:test'

/**
 * Sets the title, clears the screen, returns to the start of the line, reverses the text: none of it may reach a
 * terminal.
 */
const HOSTILE = 'a\u001b]0;owned\u0007b\u009b2Jc\u0085d\u202ee\u2066f\u2028g\u007fh'
const OBEYED = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
/** Escape sequences that this program writes itself: colours. */
const COLOURS = new RegExp(`${'\u001b'}\\[\\d{0,2}m`, 'g')

const event = {
  channel: `orders.${HOSTILE}`,
  type: `${HOSTILE}\rfake`,
  data: { [HOSTILE]: HOSTILE, isLast: true },
  time: '2026-11-21T10:00:00.000Z',
}

/** A server of another developer, or one whose log was written before hostile names were refused. */
const server = Bun.serve({
  port: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    if (request.method === 'POST') {
      return Response.json({ detail: `refused: ${HOSTILE}`, code: HOSTILE }, { status: 400 })
    }
    if (pathname !== '/events' || searchParams.get('channel') === 'refused') {
      return Response.json({ detail: `refused: ${HOSTILE}`, code: 'x' }, { status: 400 })
    }
    const ready = 'event: ready\ndata: {"heartbeat":15000}\nid: 1\n\n'
    const gap = `event: gap\ndata: {"reason":"${HOSTILE.replaceAll('\u001b', '\\u001b').replaceAll('\u0007', '')}"}\nid: 1\n\n`
    return new Response(`${ready}${gap}event: x\ndata: ${JSON.stringify(event)}\nid: 2\n\n`, {
      headers: { 'content-type': 'text/event-stream' },
    })
  },
})
const url = `http://127.0.0.1:${server.port}`

afterAll(() => server.stop(true))

const start = (args: string[], options: object) =>
  Bun.spawn([process.execPath, ...args], {
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'info', TERM: 'xterm' },
    ...options,
  })

/** The output of a command on a terminal, up to `last`. */
async function inTerminal(args: string[], last: string): Promise<string> {
  let screen = ''
  const complete = Promise.withResolvers<void>()
  const decoder = new TextDecoder()
  const child = start(args, {
    terminal: {
      cols: 4000,
      data(_: unknown, bytes: Uint8Array) {
        screen += decoder.decode(bytes, { stream: true })
        if (screen.includes(last)) complete.resolve()
      },
    },
  })
  await Promise.race([complete.promise, child.exited])
  child.kill('SIGKILL')
  await child.exited
  return screen
}

const withoutColours = (screen: string) => screen.replace(COLOURS, '').replaceAll('\r\n', '\n')

describe('hostile text', () => {
  test('in events, gaps and names is escaped when tail prints it on a terminal', async () => {
    const screen = withoutColours(
      await inTerminal(['server/main.ts', 'tail', 'orders.>', '--url', url], '"isLast":true'),
    )
    expect(screen).toContain('orders.a\\u001b]0;owned\\u0007b\\u009b2Jc\\u0085d\\u202ee')
    expect(screen).toContain('\\u000dfake')
    expect(screen).toContain('gap: ')
    expect(screen).not.toMatch(OBEYED)
  })

  test('is escaped in NDJSON, which stays the same JSON', async () => {
    const child = start(['server/main.ts', 'tail', 'orders.>', '--url', url], { stdout: 'pipe', stderr: 'ignore' })
    let text = ''
    for await (const chunk of (child.stdout as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(
      new TextDecoderStream(),
    )) {
      text += chunk
      if (text.includes('\n')) break
    }
    child.kill('SIGKILL')
    await child.exited
    const [line = ''] = text.split('\n')
    expect(line).not.toMatch(OBEYED)
    expect(JSON.parse(line)).toMatchObject(event)
  })

  test.each([
    ['tail', ['tail', 'refused']],
    ['publish', ['publish', 'a', 't']],
    ['demo', ['demo']],
  ])('of a refusal is escaped when %s reports it', async (_, args) => {
    const screen = withoutColours(await inTerminal(['server/main.ts', ...args, '--url', url], 'never'))
    expect(screen).toContain('sse-update: ')
    expect(screen).not.toMatch(OBEYED)
  })

  test.each(['pretty', 'json'])('is escaped in the %s log, where it cannot forge a line either', async (logFormat) => {
    const script = `
      import { createLogger } from './server/platform/logger.ts'
      const hostile = ${JSON.stringify(`${HOSTILE}\n[10:00:00.000] INFO: forged`)}
      createLogger({ logLevel: 'info', logFormat: '${logFormat}' })
        .error({ url: hostile, deep: { name: [hostile] }, err: new Error(hostile) }, hostile)`
    const screen = withoutColours(await inTerminal(['-e', script], 'never'))
    expect(screen).toContain('\\u001b]0;owned\\u0007b\\u009b2J')
    expect(screen).not.toMatch(OBEYED)
    expect(screen).not.toMatch(/^\[10:00:00/m)
  })
})
