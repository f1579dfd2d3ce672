const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{`, `]` and `}`: they differ in one bit. */
const OPEN = 0x5b
const CLOSE = 0x5d
const BRACE = 0x20

/**
 * Whether the arrays and objects of a JSON text lie deeper in each other than `depth` levels. Texts that are too short for
 * that, which most are, are not looked at.
 */
export function isNestedDeeper(json: string, depth: number): boolean {
  if (json.length <= 2 * depth) return false
  let level = 0
  let isText = false
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index)
    if (isText) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) isText = false
    } else if (code === QUOTE) isText = true
    else if ((code & ~BRACE) === OPEN) {
      if (++level > depth) return true
    } else if ((code & ~BRACE) === CLOSE) level--
  }
  return false
}
