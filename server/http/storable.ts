/**
 * What Postgres can't keep in a text, or not as it is: NUL, and halves of a character. Answers what is wrong with a
 * value, in whatever depth; `undefined` when nothing is.
 */
export function findUnstorable(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'a text holds the character NUL (U+0000)'
    return value.isWellFormed() ? undefined : 'a text holds half of a character (a lone surrogate)'
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const problem = findUnstorable(name) ?? findUnstorable(member)
    if (problem) return problem
  }
  return undefined
}
