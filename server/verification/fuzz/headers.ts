import fc from 'fast-check'

/** A header of a request: its value is a string of bytes (Latin-1). */
export type Header = readonly [name: string, value: string]

const IDS = [
  '0',
  '1',
  '5-x',
  '-1',
  '1e3',
  '9007199254740993',
  '9'.repeat(400),
  'earliest',
  'latest',
  'a b',
  '\u00f0\u009f\u0099\u0082',
]
const NAMES = [
  '',
  'a',
  'a.b',
  '*',
  '>',
  ',',
  '\u00e9',
  '\u0080\u00ff',
  '%00',
  '"',
  'x'.repeat(101),
  'x'.repeat(256),
  'x'.repeat(9000),
]
const TYPES = [
  '',
  '*/*',
  'application/json',
  'text/event-stream',
  'text/csv',
  'text/html',
  'text/plain',
  'APPLICATION/JSON',
]

/** Values that are legal in HTTP, and unlikely, malformed or hostile as what the header means. */
const HOSTILE: Readonly<Record<string, readonly string[]>> = {
  accept: [
    ...TYPES,
    ...[
      'application/json;q=0',
      'text/event-stream;q=abc',
      '*/*;q=0',
      'text/*;q=1e9',
      ';',
      ',,,',
      'a',
      '/',
      '\u00ff/\u00ff',
    ],
    ...[`${'a/b,'.repeat(3000)}*/*`, 'application/json; q=0.5, text/event-stream; q=0.5', 'application/json;q="'],
  ],
  'accept-encoding': ['gzip', 'br;q=1', '*;q=0', 'identity;q=0', ',', 'x'.repeat(9000)],
  authorization: [
    '',
    'Bearer',
    'Bearer ',
    'bearer x',
    'Basic YTpi',
    'Bearer a.b.c',
    'Bearer \u00ff',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    `Bearer ${'x'.repeat(20_000)}`,
  ],
  'content-encoding': ['gzip', 'br', 'identity', 'deflate, gzip', '', 'x'],
  'content-type': [
    ...TYPES,
    'application/json; charset=utf-16',
    'application/json;;;',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'json',
    '\u00ff',
  ],
  cookie: [
    '',
    'a',
    'a=b; ;=;',
    'sse_session=',
    'sse_session=x',
    'sse_session=a.b.c',
    'sse_session=%ff',
    '__Host-sse_session=x; sse_session=y',
    `a=${'x'.repeat(9000)}`,
  ],
  'if-match': [
    '*',
    '"1"',
    '"2"',
    'W/"1"',
    '1',
    '"',
    '""',
    '"x"',
    '"99999999999999999999"',
    '"1","2"',
    '"1"'.repeat(1000),
    ' , ',
    '"-1"',
  ],
  'if-none-match': ['*', '"1"', 'W/"1"'],
  'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'x', 'Fri, 31 Dec 9999 23:59:59 GMT'],
  'idempotency-key': [...NAMES, ...IDS],
  'last-event-id': [...IDS, ...NAMES],
  origin: ['null', '', 'http://127.0.0.1', 'https://evil.example', 'http://localhost:1', 'x', '://'],
  range: ['bytes=0-1', 'bytes=-1', 'bytes=9-1', 'bytes=0-0,2-3,5-', 'x=1', 'bytes='],
  'sec-fetch-site': ['same-origin', 'cross-site', 'none', 'x'],
  'x-client-id': [...NAMES, ...IDS],
  'x-forwarded-for': ['', '1.2.3.4', '::1', 'x', '1.2.3.4, 5.6.7.8', ','.repeat(500), '999.1.1.1', '[::1]:80'],
  'x-forwarded-proto': ['https', 'http', 'x', 'https,http'],
  'x-http-method-override': ['DELETE', 'x'],
  'x-user': [...NAMES, 'alice', 'bob'],
  expect: ['100-continue', 'x'],
  te: ['trailers', 'x'],
  upgrade: ['websocket', 'h2c', 'x'],
}

/** One header whose value is hostile, or made of any bytes that HTTP allows. */
export const hostileHeaders: fc.Arbitrary<Header> = fc
  .constantFrom(...Object.keys(HOSTILE))
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...(HOSTILE[name] ?? [])) },
        { weight: 1, arbitrary: fieldValues() },
      ),
    ),
  )

/** RFC 9110, section 5.5: visible characters, spaces, tabs and the bytes from 0x80. */
const fieldValues = () =>
  fc.string({
    unit: fc
      .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9))
      .map((code) => String.fromCharCode(code)),
    maxLength: 40,
  })
