import { expect, test } from 'bun:test'
import type { Line } from './lines.ts'
import { type CsvRecord, readRecords } from './records.ts'

const encoder = new TextEncoder()

/** The lines of a file, counted as they are read. */
async function* linesOf(texts: Iterable<string>, onRead: () => void): AsyncGenerator<Line> {
  let number = 0
  for (const text of texts) {
    onRead()
    yield { number: ++number, bytes: encoder.encode(text), offset: 0 }
  }
}

const isRecord = () => true

const all = async (texts: string[]): Promise<(readonly [number, number, string | undefined])[]> => {
  const records: CsvRecord[] = []
  for await (const record of readRecords(
    linesOf(texts, () => {}),
    { maxBytes: 30, isRecord },
  ))
    records.push(record)
  return records.map(({ line, lastLine, bytes }) => [line, lastLine, bytes && new TextDecoder().decode(bytes)] as const)
}

test('lines between an open quote and the one that closes it are one record', async () => {
  expect(await all(['a', '"b', '', 'c"', 'd'])).toEqual([
    [1, 1, 'a'],
    [2, 4, '"b\n\nc"'],
    [5, 5, 'd'],
  ])
})

test('a quote that is not closed within so many bytes costs its line alone', async () => {
  const others = ['x'.repeat(20), 'y'.repeat(20), 'z"']
  expect((await all(['"a', ...others])).map(([line, lastLine]) => [line, lastLine])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
  ])
})

test('a record of exactly so many bytes is whole', async () => {
  const half = 'x'.repeat(13)
  // 30 bytes with the line breaks of both lines.
  expect(await all([`"${half}`, `${half}"`])).toEqual([[1, 2, `"${half}\n${half}"`]])
  expect((await all([`"${half}`, `x${half}"`])).map(([line, lastLine]) => [line, lastLine])).toEqual([
    [1, 1],
    [2, 2],
  ])
})

test('two records in quotes have the whole length each', async () => {
  const half = 'x'.repeat(13)
  expect(
    (await all([`"${half}`, `${half}"`, 'a', `"${half}`, `${half}"`])).map(([line, lastLine]) => [line, lastLine]),
  ).toEqual([
    [1, 2],
    [3, 3],
    [4, 5],
  ])
})

test('a line that is too long ends the open quote before it', async () => {
  async function* lines(): AsyncGenerator<Line> {
    yield { number: 1, bytes: encoder.encode('"a'), offset: 2 }
    yield { number: 2, bytes: undefined, offset: 9 }
    yield { number: 3, bytes: encoder.encode('b"'), offset: 12 }
  }
  const records: CsvRecord[] = []
  for await (const record of readRecords(lines(), { maxBytes: 30, isRecord })) records.push(record)
  expect(records.map(({ line, lastLine, bytes }) => [line, lastLine, bytes === undefined])).toEqual([
    [1, 1, false],
    [2, 2, true],
    [3, 3, false],
  ])
})

test('blank lines behind an open quote are not gathered without end', async () => {
  function* endless() {
    yield '"open'
    for (;;) yield ''
  }
  let read = 0
  const lines = linesOf(endless(), () => read++)
  const first = await readRecords(lines, { maxBytes: 1000, isRecord }).next()
  expect(first.value).toMatchObject({ line: 1, lastLine: 1 })
  expect(read).toBeLessThan(1100)
})
