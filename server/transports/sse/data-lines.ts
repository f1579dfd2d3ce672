const encoder = new TextEncoder()
const [LF, CR] = [0x0a, 0x0d]
/** What comes between two lines of data. */
const NEXT_LINE = encoder.encode('\ndata: ')
const [FIRST_WORD, LAST_WORD] = [NEXT_LINE.subarray(0, 4), NEXT_LINE.subarray(-4)].map(wordOf) as [number, number]

// By bytes, because a regular expression takes tens of milliseconds for a mebibyte of line breaks.

/**
 * The bytes of a text as the field `data`, without the last line feed: a line of the stream for each line of the text. CR, LF
 * and CRLF each end a line (WHATWG HTML, 9.2.6), so that a client reads all of them as LF. A lone surrogate becomes U+FFFD,
 * because UTF-8 has none.
 */
export function dataLines(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(`data: ${text}`)
  return /[\r\n]/.test(text) ? withPrefixes(bytes) : bytes
}

function withPrefixes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Each prefix is written as two words of four bytes, which overlap: byte by byte it takes twice as long.
  const lines = new Uint8Array(bytes.length + countBreaks(bytes) * NEXT_LINE.length)
  const words = new DataView(lines.buffer)
  let end = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    if (byte === LF && bytes[index - 1] === CR) continue
    if (byte !== LF && byte !== CR) {
      lines[end++] = byte
    } else {
      words.setUint32(end, FIRST_WORD)
      words.setUint32(end + NEXT_LINE.length - 4, LAST_WORD)
      end += NEXT_LINE.length
    }
  }
  return lines.subarray(0, end)
}

/** Bytes that end a line: of CRLF, both. */
function countBreaks(bytes: Uint8Array): number {
  let count = 0
  for (let index = 0; index < bytes.length; index++) if (bytes[index] === LF || bytes[index] === CR) count++
  return count
}

function wordOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}
