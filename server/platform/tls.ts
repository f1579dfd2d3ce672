import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Config, ConfigError, settings } from './config.ts'
import { codeOf, messageOf } from './errors.ts'

/** A certificate of this server with its private key, both as PEM. Its text is never shown. */
export interface Certificate {
  cert: string
  key: string
  /** When the certificate ends. */
  expires: Date
}

type TlsSettings = Pick<Config, 'tlsCertFile' | 'tlsKeyFile' | 'http3'>

const CERT = settings.tlsCertFile.name
const KEY = settings.tlsKeyFile.name

/**
 * Reads and checks the files of `TLS_CERT_FILE` and `TLS_KEY_FILE`.
 *
 * @returns `undefined` when TLS is off
 * @throws {ConfigError} when one setting is missing, a file can't be read, or the key is not the certificate's
 */
export async function readCertificate({
  tlsCertFile,
  tlsKeyFile,
  http3,
}: TlsSettings): Promise<Certificate | undefined> {
  if (tlsCertFile === undefined && tlsKeyFile === undefined) {
    if (http3 === 'on') throw new ConfigError([`HTTP3=on needs TLS: set ${CERT} and ${KEY}.`])
    return undefined
  }
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    const [present, missing] = tlsCertFile === undefined ? [KEY, CERT] : [CERT, KEY]
    throw new ConfigError([`${present} is set without ${missing}. TLS needs both.`])
  }
  const [cert, key] = await Promise.all([readSetting(CERT, tlsCertFile), readSetting(KEY, tlsKeyFile)])
  const x509 = parse(CERT, tlsCertFile, 'a certificate (PEM)', () => new X509Certificate(cert))
  const privateKey = parse(KEY, tlsKeyFile, 'a private key without a passphrase (PEM)', () => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey)) {
    throw new ConfigError([`The private key of ${KEY} is not that of the first certificate of ${CERT}.`])
  }
  return { cert, key, expires: new Date(x509.validTo) }
}

async function readSetting(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const reason = codeOf(error) ?? messageOf(error)
    throw new ConfigError([`${setting} is ${JSON.stringify(path)}, which can't be read (${reason}).`])
  }
}

/** What a parser says of a key may hold a part of it, and is left out. */
function parse<T>(setting: string, path: string, wanted: string, parser: () => T): T {
  try {
    return parser()
  } catch {
    throw new ConfigError([`${setting} is ${JSON.stringify(path)}, which does not begin with ${wanted}.`])
  }
}

/** The options of `Bun.serve` for TLS 1.2 and 1.3 with HTTP/1.1 and HTTP/2, and HTTP/3 where it is wanted. */
export const tlsOptions = ({ cert, key }: Certificate, http3: boolean) => ({
  tls: { cert, key },
  http2: true,
  http3,
})
