const [LF, CR, SPACE] = [0x0a, 0x0d, 0x20]

/**
 * JSON text on one line: a line break in JSON is white space, and becomes a space. By bytes, because a regular expression takes
 * tens of milliseconds for a mebibyte of line breaks.
 */
export function onOneLine(json: string): string {
  if (!/[\r\n]/.test(json)) return json
  const bytes = Buffer.from(json)
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] === LF || bytes[index] === CR) bytes[index] = SPACE
  }
  return bytes.toString()
}
