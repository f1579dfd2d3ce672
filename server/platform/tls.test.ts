import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createCertificates, type TestCertificates } from '../testing/certificates.ts'
import { ConfigError } from './config.ts'
import { readCertificate } from './tls.ts'

let certificates: TestCertificates
let other: TestCertificates
beforeAll(async () => {
  ;[certificates, other] = await Promise.all([createCertificates(), createCertificates()])
})
afterAll(() => Promise.all([certificates, other].map((each) => each[Symbol.asyncDispose]())))

const read = (cert?: string, key?: string, http3: 'on' | 'off' = 'off') =>
  readCertificate({ tlsCertFile: cert, tlsKeyFile: key, http3 })

/** The problems of settings that are refused. */
async function problemOf(...settings: Parameters<typeof read>): Promise<string> {
  const error = await read(...settings).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConfigError)
  return (error as ConfigError).problems.join('\n')
}

describe('the certificate of the server', () => {
  test('is off when neither file is set', async () => {
    expect(await read()).toBeUndefined()
  })

  test('is read with its key and its end', async () => {
    const { TLS_CERT_FILE, TLS_KEY_FILE } = certificates.settings
    const found = await read(TLS_CERT_FILE, TLS_KEY_FILE, 'on')
    expect(found?.cert).toStartWith('-----BEGIN CERTIFICATE-----')
    expect(found?.key).toStartWith('-----BEGIN PRIVATE KEY-----')
    expect(found?.expires.getTime()).toBeGreaterThan(Date.now())
  })

  test('needs both files, and HTTP/3 needs it', async () => {
    expect(await problemOf('/a')).toBe('TLS_CERT_FILE is set without TLS_KEY_FILE. TLS needs both.')
    expect(await problemOf(undefined, '/a')).toBe('TLS_KEY_FILE is set without TLS_CERT_FILE. TLS needs both.')
    expect(await problemOf(undefined, undefined, 'on')).toStartWith('HTTP3=on needs TLS')
  })

  test('is refused when a file can not be read or holds something else; no error shows its content', async () => {
    const { TLS_CERT_FILE, TLS_KEY_FILE } = certificates.settings
    const missing = join(TLS_CERT_FILE, '../none.pem')
    expect(await problemOf(missing, TLS_KEY_FILE)).toBe(
      `TLS_CERT_FILE is ${JSON.stringify(missing)}, which can't be read (ENOENT).`,
    )
    const swapped = await problemOf(TLS_KEY_FILE, TLS_CERT_FILE)
    expect(swapped).toBe(
      `TLS_CERT_FILE is ${JSON.stringify(TLS_KEY_FILE)}, which does not begin with a certificate (PEM).`,
    )
    expect(await problemOf(TLS_CERT_FILE, TLS_CERT_FILE)).toContain('does not begin with a private key')
  })

  test('is refused with the key of another', async () => {
    expect(await problemOf(certificates.settings.TLS_CERT_FILE, other.settings.TLS_KEY_FILE)).toBe(
      'The private key of TLS_KEY_FILE is not that of the first certificate of TLS_CERT_FILE.',
    )
  })
})
