import { expect, test } from 'bun:test'
import { until } from '../testing/until.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { DAY } from './time.ts'
import type { Certificate } from './tls.ts'

const certificate = (name: string, days = 90): Certificate => ({
  cert: name,
  key: `${name}-key`,
  expires: new Date(Date.now() + days * DAY),
})

function watched(first = certificate('a')) {
  const state = {
    file: first as Certificate | Error,
    used: [] as string[],
    logged: [] as string[],
    fails: false,
    reads: 0,
  }
  const log = (...parts: unknown[]) => void state.logged.push(String(parts.at(-1)))
  const watch = new CertificateWatch({
    present: first,
    read: async () => {
      state.reads++
      if (state.file instanceof Error) throw state.file
      return state.file
    },
    use: ({ cert }) => {
      if (state.fails) throw new Error('EADDRINUSE')
      state.used.push(cert)
    },
    logger: { info: log, warn: log } as never,
    interval: 1,
  })
  return { state, watch }
}

test('a certificate is used once when its file has changed', async () => {
  const { state, watch } = watched()
  await watch.check()
  state.file = certificate('b')
  await watch.check()
  await watch.check()
  expect(state.used).toEqual(['b'])
  expect(state.logged).toEqual(['a renewed certificate is in use'])
})

test('files that can not be used leave the present certificate in use, and are reported once', async () => {
  const { state, watch } = watched()
  state.file = new Error('the key is not that of the certificate')
  watch.start()
  await until('it was read five times', () => state.reads >= 5)
  await watch.stop()
  expect(state.used).toEqual([])
  expect(state.logged).toEqual(['the certificate was not replaced: the key is not that of the certificate'])
})

test('a certificate that could not be taken into use is tried again', async () => {
  const { state, watch } = watched()
  state.file = certificate('b')
  state.fails = true
  await expect(watch.check()).rejects.toThrow('EADDRINUSE')
  state.fails = false
  await watch.check()
  expect(state.used).toEqual(['b'])
})

test('a certificate that ends within a week is reported once', async () => {
  const { state, watch } = watched(certificate('a', 6))
  await watch.check()
  await watch.check()
  expect(state.logged).toEqual([expect.stringContaining('the certificate of TLS_CERT_FILE ends at ')])
})
