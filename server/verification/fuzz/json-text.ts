import fc from 'fast-check'

/** A JSON text in parts, which can hold what no JavaScript value can: repeated members, and numbers such as `1e400`. */
type Node = { members: [name: string, value: Node][] } | { items: Node[] } | { text: string }

/** How one member or item of a JSON text is changed. */
type Mutation =
  | { kind: 'replace'; text: string }
  | { kind: 'add'; name: string; text: string }
  | { kind: 'wrap' }
  | { kind: 'remove' }
  | { kind: 'repeat' }

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

/** Texts in the place of a value: wrong types, boundaries, what Postgres can't store, and what is no JSON at all. */
const HOSTILE = [
  ...['null', 'true', '{}', '[]', '""', '" "', '[[]]', '{"a":1}', '["a"]'],
  ...['0', '-0', '-1', '1', '1.5', '1e2', '1E400', '-1e400', '1e-400', '0.1e1', '2147483648', '-2147483649'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '9223372036854775808', '1'.repeat(400)],
  ...[
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u2028"',
    '"\\u202e"',
    '"\\ufeff"',
    '"\u{1f642}"',
  ],
  ...[
    '"."',
    '"*"',
    '">"',
    '"a..b"',
    '"a.*"',
    '"sse.x"',
    '"ready"',
    '"message"',
    '"\\r\\nid: 1"',
    '"__proto__"',
    '"-1"',
  ],
  ...['"2026-02-30"', '"0000-01-01"', '"9999-12-31"', '"2026-11-21T10:00:00+99:99"', '"javascript:alert(1)"', '"//x"'],
  ...['1', '255', '256', '10001'].map((length) => JSON.stringify('x'.repeat(Number(length)))),
  ...[
    JSON.stringify('\u{1f642}'.repeat(200)),
    JSON.stringify('\u00e9'.repeat(255)),
    JSON.stringify('x'.repeat(70_000)),
  ],
  ...[nested(40), nested(200), nested(20_000), `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":1}}', '{"toString":1,"length":-1}'],
  ...['NaN', 'Infinity', '01', '.5', '1.', '+1', "'a'", '"\\x41"', '"\\u12"', '"\t"', 'undefined', '', '//', '"'],
]
const NAMES = ['extra', '', '__proto__', 'constructor', 'id', 'data', '\u0000', '\ud800', 'x'.repeat(300)]

const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...HOSTILE).map((text) => ({ kind: 'replace' as const, text })) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      name: fc.constantFrom(...NAMES),
      text: fc.constantFrom(...HOSTILE),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom<Mutation>({ kind: 'remove' }, { kind: 'repeat' }, { kind: 'wrap' }) },
)

/** JSON texts that differ from one of a valid value in one place. */
export const nearlyValid = (values: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.tuple(values, fc.nat(1000), mutations).map(([value, at, mutation]) => mutated(value, at, mutation))

/** @param at counts members and items in the order of the text, around and around */
function mutated(value: unknown, at: number, mutation: Mutation): string {
  const root = { items: [nodeOf(value)] }
  const places = placesOf(root)
  places[at % places.length]?.(mutation)
  return root.items.map(write).join(' ')
}

type Place = (mutation: Mutation) => void

/** For each value in a node, a function that changes it. */
function placesOf(node: Node): Place[] {
  if ('members' in node) {
    return node.members.flatMap((member) => [
      placeOf(node.members, member, member[1], (value) => [member[0], value]),
      ...placesOf(member[1]),
    ])
  }
  if (!('items' in node)) return []
  return node.items.flatMap((item) => [placeOf(node.items, item, item, (value) => value), ...placesOf(item)])
}

function placeOf<T>(list: T[], entry: T, value: Node, around: (value: Node) => T): Place {
  return (mutation) => {
    const index = list.indexOf(entry)
    if (mutation.kind === 'remove') list.splice(index, 1)
    else if (mutation.kind === 'repeat') list.splice(index, 0, entry)
    else list[index] = around(changed(value, mutation))
  }
}

function changed(value: Node, mutation: Exclude<Mutation, { kind: 'remove' } | { kind: 'repeat' }>): Node {
  if (mutation.kind === 'replace') return { text: mutation.text }
  if (mutation.kind === 'wrap') return { items: [value] }
  const text = { text: mutation.text }
  if ('members' in value) return { members: [...value.members, [mutation.name, text]] }
  return 'items' in value ? { items: [...value.items, text] } : { members: [[mutation.name, text]] }
}

function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(nodeOf) }
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) }
  return { members: Object.entries(value).map(([name, member]) => [name, nodeOf(member)]) }
}

function write(node: Node): string {
  if ('text' in node) return node.text
  if ('items' in node) return `[${node.items.map(write).join()}]`
  return `{${node.members.map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`).join()}}`
}
