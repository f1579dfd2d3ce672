import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { OPCODE, WebSocketDecoder } from './websocket-decoder.ts'

/** A frame of a server. */
function frame(opcode: number, payload: string, isLast = true): Buffer {
  const bytes = Buffer.from(payload, 'latin1')
  const head = Buffer.alloc(bytes.length > 0xffff ? 10 : bytes.length > 125 ? 4 : 2)
  head[0] = (isLast ? 0x80 : 0) | opcode
  head[1] = bytes.length > 0xffff ? 127 : bytes.length > 125 ? 126 : bytes.length
  if (bytes.length > 0xffff) head.writeBigUInt64BE(BigInt(bytes.length), 2)
  else if (bytes.length > 125) head.writeUInt16BE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}

test('messages of every length, fragments, and control frames between them are found at any split', () => {
  const lengths = [0, 1, 125, 126, 300, 65_535, 65_536]
  const bytes = Buffer.concat([
    ...lengths.map((length) => frame(OPCODE.text, 'x'.repeat(length))),
    frame(OPCODE.text, 'one ', false),
    frame(OPCODE.ping, 'are you there?'),
    frame(OPCODE.continuation, 'and ', false),
    frame(OPCODE.continuation, 'two'),
    frame(OPCODE.close, '\x03\xe8bye'),
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
      const messages: string[] = []
      const controls: [number, string][] = []
      const decoder = new WebSocketDecoder({
        onMessage: (text) => messages.push(text),
        onControl: (opcode, payload) => controls.push([opcode, payload]),
      })
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      for (const [index, end] of places.slice(1).entries()) decoder.push(bytes.subarray(places[index], end))
      expect(messages.map(({ length }) => length)).toEqual([...lengths, 11])
      expect(messages.at(-1)).toBe('one and two')
      expect(controls).toEqual([
        [OPCODE.ping, 'are you there?'],
        [OPCODE.close, '\x03\xe8bye'],
      ])
    }),
    { numRuns: 50 },
  )
})
