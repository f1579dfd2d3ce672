import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Command } from 'commander'
import { freePort } from '../testing/ports.ts'
import { checkServed, noResponse, problemOf, urlOption, urlsOption } from './server-url.ts'

const urlOf = (...args: string[]) => new Command().addOption(urlOption()).parse(args, { from: 'user' }).opts().url

describe('--url', () => {
  test('is an address without a slash at its end', () => {
    expect(urlOf('--url', 'http://localhost:9000/')).toBe('http://localhost:9000')
    expect(urlOf('--url', 'https://example.com/live/')).toBe('https://example.com/live')
  })

  test.each(['localhost:8080', 'ftp://localhost', 'nonsense', ''])('%p is refused as a wrong argument', (value) => {
    expect(() => urlOf('--url', value)).toThrow(expect.objectContaining({ name: 'CommandError', exitCode: 2 }))
  })
})

describe('SSE_UPDATE_URL', () => {
  const urlsOf = (...args: string[]) => new Command().addOption(urlsOption()).parse(args, { from: 'user' }).opts().url
  beforeEach(() => {
    process.env.SSE_UPDATE_URL = 'http://a:8080/'
  })
  afterEach(() => {
    delete process.env.SSE_UPDATE_URL
  })

  test('replaces the default of --url, for one server and for several', () => {
    expect(urlOf()).toBe('http://a:8080')
    expect(urlsOf()).toEqual(['http://a:8080'])
  })

  test('is replaced by --url, which may be given several times', () => {
    expect(urlOf('--url', 'http://b:1')).toBe('http://b:1')
    expect(urlsOf('--url', 'http://b:1', '--url', 'http://c:2')).toEqual(['http://b:1', 'http://c:2'])
  })
})

describe('what a server said was wrong', () => {
  test('is the detail of its problem document, with status and code', async () => {
    const problem = Response.json({ detail: 'No such channel.', code: 'channel.invalid' }, { status: 400 })
    expect(await problemOf(problem)).toBe('No such channel. (400 channel.invalid)')
  })

  test('is the status when it sent no problem document', async () => {
    for (const body of ['<html>', '{}', 'null', '']) {
      expect(await problemOf(new Response(body, { status: 502 }))).toContain('502')
    }
  })
})

describe('a server that is looked for', () => {
  test('is found by any response of its liveness probe', async () => {
    await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('', { status: 500 }) })
    await checkServed(`http://127.0.0.1:${server.port}`)
  })

  test('is not found where nothing listens: the error names the address and the option', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const error = await checkServed(url).catch((caught) => caught)
    expect(error).toMatchObject({ name: 'CommandError', exitCode: 1 })
    expect(error.message).toContain(url)
    expect(noResponse(url, new Error('refused')).message).toContain('--url')
  })
})
