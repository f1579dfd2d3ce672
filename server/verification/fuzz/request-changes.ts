import fc from 'fast-check'
import type { Operation } from './document.ts'
import { type Header, hostileHeaders } from './headers.ts'
import { nearlyValid } from './json-text.ts'
import type { Parts } from './request.ts'
import { valuesOf } from './schema-values.ts'

/** Values of an address that no schema of the document allows, or that only some do; percent-encoded where they have to be. */
const HOSTILE_TEXTS = [
  // Numbers, and what some parsers take for one.
  ...'0 -1 -0 1.5 1e3 0x1 NaN null true 9007199254740991 9007199254740992'.split(' '),
  '9'.repeat(300),
  // Dots, percent signs, and bytes that are no UTF-8.
  ...'. .. ... % %00 %zz %ff %c0%ae %ed%a0%80 %2e%2e%2f %0d%0aX:%20y %E2%80%AE %F0%9F%99%82'.split(' '),
  // Patterns of channels, names, and the syntax of others.
  ...'* > a.* a..b sse.x a,b [] {} \' " ; + __proto__ constructor'.split(' '),
  ...['', ' ', 'x'.repeat(256), 'x'.repeat(5000)],
  // Cursors and times.
  ...'earliest latest 1-zz 99999999999999999-z 2026-02-30T00:00:00Z 2026-11-21T10:00:00%2B99:99'.split(' '),
  ...'+275761-01-01T00:00:00Z 0000-01-01T00:00:00Z 9999-12-31T23:59:59.999999999Z'.split(' '),
]

/** Makes one thing of a request wrong. */
export type Change = (parts: Parts) => Parts

/** Changes of the requests of an operation, each of one thing. */
export function changesOf({ parameters, bodies }: Operation): fc.Arbitrary<Change> {
  const names = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
  const json = bodies['application/json']?.schema
  const hasBody = Object.keys(bodies).length > 0
  return fc.oneof(
    {
      weight: 4,
      arbitrary: hostileHeaders.map(
        (header): Change =>
          (parts) =>
            withHeader(parts, header),
      ),
    },
    { weight: names.length > 0 ? 6 : 1, arbitrary: parameterChanges([...names, 'x', '']) },
    { weight: 2, arbitrary: SEGMENT_CHANGES },
    {
      weight: json ? 9 : 0,
      arbitrary: bodyChanges(nearlyValid(valuesOf(json ?? {})).map((text) => Buffer.from(text))),
    },
    { weight: hasBody ? 4 : 1, arbitrary: bodyChanges(hostileBodies) },
    {
      weight: hasBody ? 3 : 0,
      arbitrary: fc.nat(1000).map(
        (at): Change =>
          (parts) =>
            truncated(parts, at),
      ),
    },
    { weight: hasBody ? 2 : 0, arbitrary: FRAMING_CHANGES },
  )
}

const SEGMENT_CHANGES = fc.tuple(fc.nat(10), fc.constantFrom(...HOSTILE_TEXTS)).map(
  ([at, text]): Change =>
    (parts) =>
      withSegment(parts, at, text),
)
const FRAMING_CHANGES = fc.constantFrom('chunked' as const, 'less' as const, 'more' as const).map(
  (framing): Change =>
    (parts) => ({ ...parts, framing }),
)

const parameterChanges = (names: readonly string[]): fc.Arbitrary<Change> =>
  fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...HOSTILE_TEXTS), fc.integer({ min: 1, max: 80 }))
    .map(([name, text, count]) => (parts) => ({
      ...parts,
      target: `${parts.target}${parts.target.includes('?') ? '&' : '?'}${Array(count > 70 ? count : 1)
        .fill(`${name}=${encodeSpaces(text)}`)
        .join('&')}`,
    }))

/** Texts are percent-encoded already, or left as they are on purpose; a space or `"` would end the request line. */
const encodeSpaces = (text: string) => text.replace(/[ "]/g, (character) => encodeURIComponent(character))

const withHeader = (parts: Parts, [name, value]: Header): Parts => ({
  ...parts,
  headers: [...parts.headers.filter(([other]) => other.toLowerCase() !== name), [name, value]],
})

function withSegment(parts: Parts, at: number, text: string): Parts {
  const [path = '', query] = parts.target.split('?')
  const segments = path.split('/')
  segments[1 + (at % segments.length)] = encodeSpaces(text)
  return { ...parts, target: segments.join('/') + (query === undefined ? '' : `?${query}`) }
}

const bodyChanges = (bodies: fc.Arbitrary<Buffer>): fc.Arbitrary<Change> =>
  bodies.map((body) => (parts) => ({ ...parts, body }))

function truncated(parts: Parts, at: number): Parts {
  return parts.body?.length ? { ...parts, body: parts.body.subarray(0, at % parts.body.length) } : parts
}

/** Bytes: more than any route takes as JSON. */
const LARGE = 3 * 2 ** 20
const TEXTS = [
  '',
  ' ',
  'null',
  '[]',
  '{}',
  '""',
  '0',
  '{"a":1}{"b":2}',
  '\ufeff{}',
  '[',
  '{"',
  '[1,]',
  '{"a":1,}',
  '//',
  'NaN',
]
const BYTES = ['"\xff"', '{"a":"\xc0\x80"}', '"\xed\xa0\x80"', '\x1f\x8b\x08\x00', '\xff\xfe{\x00}\x00', '\x00']
const TABLES = ['a,b\n"', '"\n"\n"', 'customer\n\n', '\u0000,\u0000\n', `${','.repeat(10_000)}\n`]

const hostileBodies = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom(
      ...[...TEXTS, ...TABLES].map((text) => Buffer.from(text)),
      ...BYTES.map((text) => Buffer.from(text, 'latin1')),
    ),
  },
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constantFrom('[', ' ', '0', '"').map((text) => Buffer.alloc(LARGE, text)) },
)
