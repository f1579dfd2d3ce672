import { RESERVED_TOKEN } from '../protocol/channel.ts'

/** Most nodes have one value, which then needs no set. */
type Values<T> = T | Set<T> | undefined

/** Subscribers under one token, and below it. Most nodes have few of these members, so each is made when it is needed. */
class Node<T> {
  /** By the next token. */
  children: Map<string, Node<T>> | undefined = undefined
  /** Under `*`. */
  any: Node<T> | undefined = undefined
  /** Values whose pattern ends here. */
  here: Values<T> = undefined
  /** Values whose pattern ends in `>` here. */
  rest: Values<T> = undefined
}

/**
 * Finds the values whose patterns match a channel: a tree of tokens, as NATS keeps its subjects. A look-up visits the nodes
 * whose pattern begins as the channel does. With `*` these may be many, so the caller that adds patterns bounds `size`.
 */
export class PatternIndex<T> {
  readonly #root = new Node<T>()
  #size = 0

  /** Nodes and entries: what memory and the longest look-up grow with. */
  get size(): number {
    return this.#size
  }

  /** Adds a value under a pattern; a no-op when it is there already. @param pattern valid, see `protocol/channel.ts` */
  add(pattern: string, value: T): void {
    let node = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') {
        node.rest = this.#addTo(node.rest, value)
        return
      }
      node = childOf(node, token) ?? this.#addChild(node, token)
    }
    node.here = this.#addTo(node.here, value)
  }

  /** Removes what `add` added with the same arguments; a no-op when it is not there. */
  remove(pattern: string, value: T): void {
    const path: [Node<T>, string][] = []
    let node = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') break
      const child = childOf(node, token)
      if (!child) return
      path.push([node, token])
      node = child
    }
    if (pattern.endsWith('>')) node.rest = this.#removeFrom(node.rest, value)
    else node.here = this.#removeFrom(node.here, value)
    this.#prune(path)
  }

  /** The values whose patterns match the channel, once each. */
  match(channel: string): T[] {
    const found: (T | Set<T>)[] = []
    const tokens = channel.split('.')
    // A wildcard in the first place matches no reserved channel.
    const isReserved = tokens[0] === RESERVED_TOKEN
    const start = isReserved ? this.#root.children?.get(RESERVED_TOKEN) : this.#root
    let level = start ? [start] : []
    for (let index = isReserved ? 1 : 0; index < tokens.length && level.length > 0; index++) {
      const next: Node<T>[] = []
      for (const { rest, children, any } of level) {
        if (rest !== undefined) found.push(rest)
        const named = children?.get(tokens[index] as string)
        if (named) next.push(named)
        if (any) next.push(any)
      }
      level = next
    }
    for (const { here } of level) if (here !== undefined) found.push(here)
    return merge(found)
  }

  #addChild(node: Node<T>, token: string): Node<T> {
    const child = new Node<T>()
    if (token === '*') node.any = child
    else {
      node.children ??= new Map()
      node.children.set(token, child)
    }
    this.#size++
    return child
  }

  #addTo(values: Values<T>, value: T): Values<T> {
    if (values === undefined) {
      this.#size++
      return value
    }
    const all = values instanceof Set ? values : new Set([values])
    const before = all.size
    all.add(value)
    this.#size += all.size - before
    return all
  }

  #removeFrom(values: Values<T>, value: T): Values<T> {
    const isThere = values instanceof Set ? values.delete(value) : values === value
    if (isThere) this.#size--
    if (values instanceof Set) return values.size > 0 ? values : undefined
    return isThere ? undefined : values
  }

  /** Removes empty branches, from the leaf up: otherwise one stayed for every channel that was ever subscribed to. */
  #prune(path: [Node<T>, string][]): void {
    for (const [parent, token] of path.reverse()) {
      const child = childOf(parent, token)
      if (!child || child.children || child.any || child.here !== undefined || child.rest !== undefined) return
      if (token === '*') parent.any = undefined
      else parent.children?.delete(token)
      if (parent.children?.size === 0) parent.children = undefined
      this.#size--
    }
  }
}

const childOf = <T>(node: Node<T>, token: string): Node<T> | undefined =>
  token === '*' ? node.any : node.children?.get(token)

/** All of them, once each. Most channels are matched by one pattern, or by one set of values. */
function merge<T>(found: readonly (T | Set<T>)[]): T[] {
  const [first] = found
  if (first === undefined) return []
  if (found.length === 1) return first instanceof Set ? [...first] : [first]
  const all = new Set<T>()
  for (const values of found) {
    if (values instanceof Set) for (const value of values) all.add(value)
    else all.add(values)
  }
  return [...all]
}
