import { expect, test } from 'bun:test'

// The table of SECURITY.md: who, what, how it is stopped, which test shows it.

async function rows(): Promise<string[][]> {
  const text = await Bun.file('SECURITY.md').text()
  const [, table = ''] = /<!-- threats -->([\s\S]*)<!-- \/threats -->/.exec(text) ?? []
  const lines = table.trim().split('\n').slice(2)
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

test('each line of the threat model says who, what and how it is stopped, and names tests that exist', async () => {
  const files = new Map<string, string[]>()
  for await (const path of new Bun.Glob('{server,web}/**/*.test.ts').scan()) {
    const name = path.replace(/^.*\/|\.test\.ts$/g, '')
    files.set(name, [...(files.get(name) ?? []), path])
  }
  const lines = await rows()
  expect(lines.length).toBeGreaterThan(20)
  for (const line of lines) {
    expect([line, line.length, line.every((cell) => cell !== '')]).toEqual([line, 4, true])
    const tests = line[3]?.split(', ').map((name) => name.replaceAll('`', '')) ?? []
    for (const name of tests) expect([name, files.get(name)?.length ?? 0]).toEqual([name, 1])
  }
})
