import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { Loop } from './loop.ts'
import { SECOND } from './time.ts'
import type { Certificate } from './tls.ts'

/** What {@link CertificateWatch} needs. */
export interface CertificateWatchOptions {
  /** The certificate that is in use. */
  present: Certificate
  /** Reads the files. Rejects when they can't be used, such as while only one of them is new. */
  read: () => Promise<Certificate | undefined>
  /** Uses another certificate from now on. */
  use: (certificate: Certificate) => void
  logger: Pick<Logger, 'info' | 'warn'>
  /** Milliseconds between two readings. Defaults to `10_000`. */
  interval?: number
}

/** Milliseconds before the end of a certificate at which it is reported. */
const EXPIRY_NOTICE = 7 * 24 * 60 * 60 * SECOND

/**
 * Replaces the certificate when its files have changed. It reads them: renewal tools replace files, directories or symbolic links,
 * and a watch of the file system misses some of these. Files that can't be used leave the present certificate in use.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions
  readonly #loop: Loop
  #present: Certificate
  /** What was last logged: each problem is logged once. */
  #problem = ''

  constructor(options: CertificateWatchOptions) {
    this.#options = options
    this.#present = options.present
    this.#loop = new Loop({
      interval: options.interval ?? 10 * SECOND,
      work: () => this.check(),
      onError: (error) => this.#report(`the certificate was not replaced: ${messageOf(error)}`),
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Reads the files once. @throws what `read` and `use` throw; the next check tries again */
  async check(): Promise<void> {
    const found = await this.#options.read()
    if (found && (found.cert !== this.#present.cert || found.key !== this.#present.key)) {
      this.#options.use(found)
      this.#present = found
      this.#options.logger.info({ expires: found.expires }, 'a renewed certificate is in use')
    }
    const { expires } = this.#present
    const isNearEnd = expires.getTime() - Date.now() < EXPIRY_NOTICE
    this.#report(isNearEnd ? `the certificate of TLS_CERT_FILE ends at ${expires.toISOString()}` : '')
  }

  #report(problem: string): void {
    if (problem !== this.#problem && problem) this.#options.logger.warn(problem)
    this.#problem = problem
  }
}
