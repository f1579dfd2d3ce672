import type { Limit } from '../telemetry/telemetry.ts'

/** By whom and from where a stream is opened, for the limits of each. */
export interface Owner {
  /** Subject of the token or name of the key; `null` for whom no limit applies. */
  subject: string | null
  /** Address of the client; empty when it is not known. */
  address: string
}

/** Streams that may be open at once on this instance; `0` for any number. */
export interface QuotaLimits {
  perSubject: number
  perAddress: number
}

/** How many streams each subject and each address has open on this instance. */
export class Quotas {
  readonly #limits: QuotaLimits
  readonly #bySubject = new Map<string, number>()
  readonly #byAddress = new Map<string, number>()

  constructor(limits: QuotaLimits) {
    this.#limits = limits
  }

  /** The limit that a further stream of the owner would exceed; `undefined` when it may be opened. */
  exceededBy({ subject, address }: Owner): Limit | undefined {
    const { perSubject, perAddress } = this.#limits
    if (isUsedUp(this.#bySubject, subject, perSubject)) return 'streams_per_subject'
    return isUsedUp(this.#byAddress, address, perAddress) ? 'streams_per_address' : undefined
  }

  /** A stream was opened. Returns what is called when it has ended. */
  add({ subject, address }: Owner): () => void {
    count(this.#bySubject, subject, 1)
    count(this.#byAddress, address, 1)
    return () => {
      count(this.#bySubject, subject, -1)
      count(this.#byAddress, address, -1)
    }
  }

  /** Subjects and addresses that have streams. */
  get size(): number {
    return this.#bySubject.size + this.#byAddress.size
  }
}

const isUsedUp = (counts: ReadonlyMap<string, number>, key: string | null, limit: number) =>
  limit > 0 && key !== null && key !== '' && (counts.get(key) ?? 0) >= limit

function count(counts: Map<string, number>, key: string | null, change: number): void {
  if (key === null || key === '') return
  const total = (counts.get(key) ?? 0) + change
  if (total > 0) counts.set(key, total)
  else counts.delete(key)
}
