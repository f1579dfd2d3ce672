import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { readEvents } from './publication.ts'

const read = (text: string) => readEvents(Buffer.from(text))
const failsWith = (code: string) => expect.objectContaining({ code })

describe('the body of a request that publishes', () => {
  test('is one event, or an array of them', async () => {
    expect(await read('{"channel":"a","type":"t"}')).toEqual({
      events: [{ channel: 'a', type: 't' }],
      isBatch: false,
    })
    expect(await read('[{"channel":"a"},{"type":"t"}]')).toEqual({
      events: [{ channel: 'a' }, { type: 't' }],
      isBatch: true,
    })
    expect(await read('[]')).toEqual({ events: [], isBatch: true })
  })

  test.each([
    '12345678901234567890',
    '{"a":[1e400,-0,1.10,0.30000000000000004441]}',
    '1E5',
    '{ "a" :\n1 }',
    '"\\u00e9"',
  ])('keeps the data %p as it was written', async (data) => {
    const { events } = await read(`[{"channel":"a", "data" : ${data} , "type":"t"}]`)
    expect(events).toEqual([{ channel: 'a', type: 't', data }])
  })

  test('keeps the data of any event as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json(), { minLength: 1, maxLength: 5 }), async (all) => {
        const { events } = await read(`[${all.map((data) => `{"data":${data},"key":"k"}`).join()}]`)
        expect(events).toEqual(all.map((data) => ({ data: data.trim(), key: 'k' })))
      }),
    )
  })

  test('may escape the names of members; the last member of a name counts', async () => {
    const { events } = await read('{"ch\\u0061nnel":"a","channel":"b","data":1,"d\\u0061ta":2}')
    expect(events).toEqual([{ channel: 'b', data: '2' }])
  })

  test('keeps a value that is not an object, for the check of events to refuse', async () => {
    expect((await read('[1,[{"channel":"a"}],"x",null]')).events).toEqual([undefined, undefined, undefined, undefined])
    expect(await read('7')).toEqual({ events: [undefined], isBatch: false })
  })

  test('may begin with a byte order mark', async () => {
    expect((await read('\uFEFF{"channel":"a"}')).events).toEqual([{ channel: 'a' }])
  })

  test('keeps a member that no event has, however many there are', async () => {
    const { events } = await read(`{${Array.from({ length: 50_000 }, (_, index) => `"m${index}":1`).join()}}`)
    expect(Object.keys(events[0] ?? {}).length).toBeLessThan(10)
  })

  test('keeps a member that no event has after all those that it has', async () => {
    const { events } = await read('{"channel":"a","type":"t","data":1,"key":"k","extra":1}')
    expect(Object.keys(events[0] ?? {})).toEqual(['channel', 'type', 'data', 'key', 'extra'])
  })

  test('does not parse a channel that is too long or not a string', async () => {
    const { events } = await read(
      `{"channel":${JSON.stringify({ a: 'x'.repeat(100_000) })},"type":"${'t'.repeat(9999)}"}`,
    )
    expect(events[0]).toEqual({ channel: expect.any(String), type: expect.any(String) })
  })

  test.each([
    ['[1', 'body.invalid'],
    ['{"channel":"a",}', 'body.invalid'],
    ['', 'body.invalid'],
    ['['.repeat(5000), 'data.too_deep'],
    [`[${'{},'.repeat(1001)}{}]`, 'batch.too_large'],
  ])('is refused with %.20p: %s', async (text, code) => {
    await expect(read(text)).rejects.toThrow(failsWith(code))
  })

  test('is refused when it is not UTF-8', async () => {
    await expect(readEvents(new Uint8Array([0x22, 0xff, 0x22]))).rejects.toThrow(failsWith('body.invalid'))
    // Half of a character, written as three bytes.
    await expect(readEvents(new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]))).rejects.toThrow(failsWith('body.invalid'))
  })
})
