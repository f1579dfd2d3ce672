import { afterEach, beforeEach, expect, test } from 'bun:test'
import { isOffline, onNetworkChange } from './network.ts'
import { fakeBrowser, setOnline } from './testing/fake-browser.ts'

let restore: () => void
const location = Object.getOwnPropertyDescriptor(globalThis, 'location')

beforeEach(() => {
  restore = fakeBrowser()
})
afterEach(() => {
  if (location) Object.defineProperty(globalThis, 'location', location)
  else Reflect.deleteProperty(globalThis, 'location')
  restore()
})

const onHost = (hostname: string) =>
  Object.defineProperty(globalThis, 'location', { value: { hostname }, configurable: true, writable: true })

test.each(['localhost', 's1.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('a page of %s needs no network', (host) => {
  onHost(host)
  setOnline(false)
  expect(isOffline()).toBe(false)
})

test.each(['example.org', 'localhost.example.org', 'notlocalhost', '128.0.0.1', 'x127.0.0.1'])(
  'a page of %s is offline without network',
  (host) => {
    onHost(host)
    expect(isOffline()).toBe(false)
    setOnline(false)
    expect(isOffline()).toBe(true)
  },
)

test('the loss and the return of the network are reported, until that is stopped', () => {
  onHost('example.org')
  const seen: boolean[] = []
  const stop = onNetworkChange((isOff) => seen.push(isOff))
  setOnline(false)
  setOnline(true)
  stop()
  setOnline(false)
  setOnline(true)
  expect(seen).toEqual([true, false])
})

test('the loss of the network is not reported to a page of the same machine', () => {
  onHost('localhost')
  const seen: boolean[] = []
  const stop = onNetworkChange((isOff) => seen.push(isOff))
  setOnline(false)
  stop()
  expect(seen).toEqual([])
})
