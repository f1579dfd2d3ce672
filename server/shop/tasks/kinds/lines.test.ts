import { describe, expect, test } from 'bun:test'
import { readLines } from './lines.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The lines of a file in chunks: number, text and offset; the text of a line that is too long is `null`. */
async function linesOf(chunks: readonly string[], maxBytes = 100) {
  async function* encoded() {
    for (const chunk of chunks) yield encoder.encode(chunk)
  }
  const lines: [number, string | null, number][] = []
  for await (const { number, bytes, offset } of readLines(encoded(), maxBytes)) {
    lines.push([number, bytes === undefined ? null : decoder.decode(bytes), offset])
  }
  return lines
}

const everyCut = (text: string) =>
  Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)] as const)

describe('the lines of a file', () => {
  test('end in LF, CR LF or CR', async () => {
    expect(await linesOf(['a\nb\r\nc\rd'])).toEqual([
      [1, 'a', 2],
      [2, 'b', 4],
      [3, 'c', 7],
      [4, 'd', 8],
    ])
  })

  test('are the same wherever the file is cut into two chunks', async () => {
    const text = 'ab\r\n\r\ncd\n\r\r\nefg\r\n'
    const texts = (await linesOf([text])).map(([number, line]) => [number, line])
    expect(texts.map(([, line]) => line)).toEqual(['ab', '', 'cd', '', '', 'efg'])
    for (const chunks of everyCut(text)) {
      const lines = await linesOf(chunks)
      expect(lines.map(([number, line]) => [number, line])).toEqual(texts)
    }
  })

  test('have growing offsets, of which the last is the size of the file', async () => {
    const text = 'a\n\nbc\r\nd'
    for (const chunks of everyCut(text)) {
      const offsets = (await linesOf(chunks)).map(([, , offset]) => offset)
      expect(offsets).toEqual([...offsets].sort((one, other) => one - other))
      expect(offsets.at(-1)).toBe(text.length)
    }
  })

  test('that are blank are lines, and what ends the last one begins no other', async () => {
    expect((await linesOf(['\n\n'])).map(([, line]) => line)).toEqual(['', ''])
    expect(await linesOf([''])).toEqual([])
    expect(await linesOf(['x'])).toEqual([[1, 'x', 1]])
  })
})

describe('a line that is longer than allowed', () => {
  test('has no text, and the one after it has', async () => {
    const text = 'abcd\nabcde\nabcd\nabcdef'
    for (const chunks of [[text], ...everyCut(text), [...text]]) {
      expect((await linesOf(chunks, 4)).map(([number, line]) => [number, line])).toEqual([
        [1, 'abcd'],
        [2, null],
        [3, 'abcd'],
        [4, null],
      ])
    }
  })
})
