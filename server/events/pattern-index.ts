/** Subscribers under one token, and below it. */
interface Node<T> {
  /** By the next token; `*` is among them. */
  children: Map<string, Node<T>>
  /** Whose pattern ends here. */
  here: Set<T>
  /** Whose pattern ends in `>` here. */
  rest: Set<T>
}

const createNode = <T>(): Node<T> => ({ children: new Map(), here: new Set(), rest: new Set() })

/**
 * Finds whose patterns a channel lies within, in time that grows with the channel's tokens and not with the number of
 * patterns: a tree of tokens, as NATS keeps its subjects.
 */
export class PatternIndex<T> {
  readonly #root = createNode<T>()

  add(pattern: string, value: T): void {
    let node = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') {
        node.rest.add(value)
        return
      }
      let child = node.children.get(token)
      if (!child) {
        child = createNode()
        node.children.set(token, child)
      }
      node = child
    }
    node.here.add(value)
  }

  remove(pattern: string, value: T): void {
    const path: [Node<T>, string][] = []
    let node = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') break
      const child = node.children.get(token)
      if (!child) return
      path.push([node, token])
      node = child
    }
    ;(pattern.endsWith('>') ? node.rest : node.here).delete(value)
    // Branches that hold nothing any more would otherwise stay for every channel that was ever asked for.
    for (const [parent, token] of path.reverse()) {
      const child = parent.children.get(token)
      if (child && isEmpty(child)) parent.children.delete(token)
    }
  }

  /** Everybody whose pattern holds the channel, once each. */
  match(channel: string): Set<T> {
    const found = new Set<T>()
    collect(this.#root, channel.split('.'), 0, found)
    return found
  }
}

const isEmpty = <T>({ children, here, rest }: Node<T>) => children.size === 0 && here.size === 0 && rest.size === 0

function collect<T>(node: Node<T>, tokens: readonly string[], depth: number, found: Set<T>): void {
  const token = tokens[depth]
  if (token === undefined) {
    for (const value of node.here) found.add(value)
    return
  }
  for (const value of node.rest) found.add(value)
  const named = node.children.get(token)
  if (named) collect(named, tokens, depth + 1, found)
  const any = node.children.get('*')
  if (any) collect(any, tokens, depth + 1, found)
}
