/** First token of the channels of the server's own events, which a wildcard in the first place does not match. */
const RESERVED = 'sse'

/** Whether a channel matches a pattern: `*` stands for one token, a last `>` for one or more (the subjects of NATS). */
export function matches(pattern: string, channel: string): boolean {
  const wanted = pattern.split('.')
  const given = channel.split('.')
  if (given[0] === RESERVED && wanted[0] !== RESERVED) return false
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index
    if (given[index] === undefined || (token !== '*' && token !== given[index])) return false
  }
  return wanted.length === given.length
}

/** Whether every channel that matches `inner` matches `outer`, too. */
export function covers(outer: string, inner: string): boolean {
  const wide = outer.split('.')
  const narrow = inner.split('.')
  if (narrow[0] === RESERVED && wide[0] !== RESERVED) return false
  for (const [index, token] of wide.entries()) {
    if (token === '>') return narrow.length > index
    const other = narrow[index]
    if (other === undefined || other === '>') return false
    if (token !== '*' && token !== other) return false
  }
  return wide.length === narrow.length
}

/** The patterns without those that others cover, sorted. */
export function union(patterns: Iterable<string>): string[] {
  const all = [...new Set(patterns)].sort()
  return all.filter((pattern) => !all.some((other) => other !== pattern && covers(other, pattern)))
}
