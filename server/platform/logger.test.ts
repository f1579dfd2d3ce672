import { describe, expect, test } from 'bun:test'

/** What a logger of these settings writes to standard error in a process of its own. */
async function logged(settings: { logLevel: string; logFormat: string }, statements: string) {
  const script = `
    import { createLogger } from '${import.meta.dir}/logger.ts'
    const logger = createLogger(${JSON.stringify(settings)})
    ${statements}`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'pipe' })
  const [output, text] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  expect(await child.exited).toBe(0)
  return { output, text, lines: text.split('\n').slice(0, -1) }
}

describe('the log', () => {
  test('is JSON on standard error, a line an entry, with the time and without process and host', async () => {
    const { output, lines } = await logged(
      { logLevel: 'info', logFormat: 'json' },
      `logger.child({ part: 'x' }).info({ n: 1 }, 'first'); logger.warn('second')`,
    )
    expect(output).toBe('')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 30, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/), part: 'x', n: 1, msg: 'first' },
      { level: 40, time: expect.any(String), msg: 'second' },
    ])
  })

  test('is JSON where standard error is no terminal, unless it is to be pretty', async () => {
    const automatic = await logged({ logLevel: 'info', logFormat: 'auto' }, `logger.info('x')`)
    expect(JSON.parse(automatic.text)).toMatchObject({ msg: 'x' })
    const pretty = await logged({ logLevel: 'info', logFormat: 'pretty' }, `logger.info('x')`)
    expect(pretty.text).toMatch(/^\[\d\d:\d\d:\d\d\.\d+\] INFO: x\n$/)
  })

  test('has nothing below its level', async () => {
    const { text } = await logged({ logLevel: 'warn', logFormat: 'json' }, `logger.info('x')`)
    expect(text).toBe('')
    expect((await logged({ logLevel: 'silent', logFormat: 'json' }, `logger.error('x')`)).text).toBe('')
  })

  test('escapes control characters, and keeps the JSON', async () => {
    const { lines } = await logged({ logLevel: 'info', logFormat: 'json' }, `logger.info('a\\u009b2J\\u202e\\nb')`)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('a\\u009b2J\\u202e\\nb')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'a\u009b2J\u202e\nb' })
  })

  test('for people escapes control characters everywhere but the lines of a stack', async () => {
    const { text } = await logged(
      { logLevel: 'info', logFormat: 'pretty' },
      `const err = new Error('broken'); err.stack = 'Error: broken\\n    at \\u001bx'; logger.error({ err, n: 1 }, 'a\\u001b[31mb\\nc')`,
    )
    expect(text).not.toContain('\u001b')
    expect(text).toContain('ERROR: a\\u001b[31mb\\u000ac')
    expect(text).toMatch(/Error: broken\n\s+at \\u001bx/)
  })
})
