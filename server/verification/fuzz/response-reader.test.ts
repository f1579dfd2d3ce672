import { describe, expect, test } from 'bun:test'
import { ResponseReader } from './response-reader.ts'

/** Feeds a response byte by byte. @returns the reader, and whether it was complete with the last byte, not before */
function read(text: string, method = 'GET') {
  const reader = new ResponseReader(method)
  const completions = [...Buffer.from(text)].map((byte) => reader.push(Buffer.from([byte])))
  return { reader, isComplete: completions.at(-1), wasEarly: completions.slice(0, -1).includes(true) }
}

describe('a response is complete', () => {
  test.each([
    ['with its length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', 'ab'],
    ['with its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n', 'ab'],
    ['with its head, when it has no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n', ''],
    [
      'after an informational one',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\na',
      'a',
    ],
    [
      'with the first frame of a stream',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n',
      'data: a\n\n',
    ],
  ])('%s', (_, text, body) => {
    const { reader, isComplete, wasEarly } = read(text)
    expect([isComplete, wasEarly, reader.body.toString()]).toEqual([true, false, body])
  })

  test('with its head, when the request was HEAD', () => {
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', 'HEAD').isComplete).toBe(true)
  })

  test('with the end of the connection, when it says no length', () => {
    const { reader, isComplete } = read('HTTP/1.1 200 OK\r\n\r\nab')
    expect(isComplete).toBe(false)
    expect([reader.finish(), reader.body.toString(), reader.status]).toEqual([true, 'ab', 200])
  })
})

test('a response that is cut off is not complete', () => {
  for (const text of [
    'HTTP/1.1 200',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na',
  ]) {
    const { reader, isComplete } = read(text)
    expect([text, isComplete, reader.finish()]).toEqual([text, false, false])
  }
})
