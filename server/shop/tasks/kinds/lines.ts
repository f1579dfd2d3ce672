import { Slice } from '../../../platform/event-loop.ts'

/** A line of a file, without its line break. */
export interface Line {
  /** From 1. */
  number: number
  /** `undefined` when it is longer than allowed. */
  bytes: Uint8Array | undefined
  /** Bytes of the file up to the end of the line, with its line break. */
  offset: number
}

const LF = 0x0a
const CR = 0x0d

/** Reads the lines of a file in chunks, ended by LF, CR LF or CR. The content of one that is too long is dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  let number = 0
  let offset = 0
  let pending: Uint8Array[] = []
  let size = 0
  let endedWithCr = false
  // One chunk may contain half a million blank lines.
  const slice = new Slice()
  const take = (rest: Uint8Array): Uint8Array | undefined => {
    const length = size + rest.byteLength
    const line = length > maxBytes ? undefined : Buffer.concat([...pending, rest])
    pending = []
    size = 0
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let index = 0; index < chunk.byteLength; index++) {
      const byte = chunk[index]
      if (byte !== LF && byte !== CR) {
        endedWithCr = false
        continue
      }
      if (byte === LF && endedWithCr) {
        // The second character of CR LF.
        start = index + 1
        endedWithCr = false
        continue
      }
      endedWithCr = byte === CR
      yield { number: ++number, bytes: take(chunk.subarray(start, index)), offset: offset + index + 1 }
      start = index + 1
      if (slice.isOver) await slice.next()
    }
    const rest = chunk.subarray(start)
    size += rest.byteLength
    if (size <= maxBytes && rest.byteLength > 0) pending.push(rest)
    else if (size > maxBytes) pending = []
    offset += chunk.byteLength
  }
  if (size > 0) yield { number: ++number, bytes: size > maxBytes ? undefined : Buffer.concat(pending), offset }
}
