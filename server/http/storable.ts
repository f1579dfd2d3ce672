/**
 * Finds text that Postgres cannot store unchanged, in a value of any depth: NUL, and lone surrogates.
 *
 * @returns what is wrong; `undefined` when the value can be stored
 */
export function findUnstorable(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'a text contains the character NUL (U+0000)'
    return value.isWellFormed() ? undefined : 'a text contains half of a character (a lone surrogate)'
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const problem = findUnstorable(name) ?? findUnstorable(member)
    if (problem) return problem
  }
  return undefined
}
