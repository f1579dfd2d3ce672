import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A private certificate authority in a directory of its own, with the files of one server. */
export interface TestCertificates extends AsyncDisposable {
  /** PEM text of the authority, for clients. */
  ca: string
  caFile: string
  /** `TLS_CERT_FILE` and `TLS_KEY_FILE`. */
  settings: { TLS_CERT_FILE: string; TLS_KEY_FILE: string }
  /** Puts another certificate and key into the files of the server. @param name its common name */
  renew(name: string): Promise<void>
  /** SHA-256 of the public key of the server, in Base64, as Chromium's `--ignore-certificate-errors-spki-list` takes it. */
  publicKeyHash(): Promise<string>
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Creates an authority, and a certificate for localhost and 127.0.0.1, with `openssl`. */
export async function createCertificates(): Promise<TestCertificates> {
  const directory = await mkdtemp(join(tmpdir(), 'sse-update-tls-'))
  const path = (name: string) => join(directory, name)
  const settings = { TLS_CERT_FILE: path('cert.pem'), TLS_KEY_FILE: path('key.pem') }
  await openssl(
    'req',
    '-x509',
    ...EC,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-days',
    '30',
    '-subj',
    '/CN=Test',
  )
  await Bun.write(path('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const renew = async (name: string) => {
    await openssl('req', ...EC, '-keyout', settings.TLS_KEY_FILE, '-out', path('request'), '-subj', `/CN=${name}`)
    const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names')]
    await openssl('x509', '-req', '-in', path('request'), ...signing, '-days', '20', '-out', settings.TLS_CERT_FILE)
  }
  await renew('first')
  return {
    ca: await Bun.file(path('ca.pem')).text(),
    caFile: path('ca.pem'),
    settings,
    renew,
    async publicKeyHash() {
      const pem = await openssl('x509', '-in', settings.TLS_CERT_FILE, '-pubkey', '-noout')
      const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
      return new Bun.CryptoHasher('sha256').update(der).digest('base64')
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

async function openssl(...args: string[]): Promise<string> {
  const child = Bun.spawn(['openssl', ...args], { stdout: 'pipe', stderr: 'pipe' })
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`openssl ${args[0]} failed:\n${errors}`)
  return output
}
