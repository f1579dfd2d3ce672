import fc from 'fast-check'
import { Contract, codeOf } from './contract.ts'
import type { OpenApi, Operation } from './document.ts'
import type { Header } from './headers.ts'
import { type Kind, kindsOf, live, livesOf } from './life.ts'
import type { FuzzRequest } from './request.ts'
import { requestsOf } from './requests.ts'
import { send } from './send.ts'

/** What a campaign sends, and to whom. */
export interface CampaignOptions {
  url: string
  document: OpenApi
  seed: number
  /** Requests of each operation a round. */
  runs: number
  /** Headers of the senders; the first may do everything. */
  senders: readonly (readonly Header[])[]
}

/** Operations that are sent at the same time. */
const CONCURRENCY = 8
/** Lives of each kind of resource, for so many requests of each operation: a life has about six. */
const RUNS_PER_LIFE = 4
/** Characters of a request in a report. */
const EXCERPT = 1500

/** Requests that fast-check makes from the document of a server, each with a check of its response. */
export class Campaign {
  readonly #options: CampaignOptions
  readonly #contract: Contract
  /** How many responses had a status and, if it is an error, a code. */
  readonly outcomes = new Map<string, number>()
  requests = 0

  constructor(options: CampaignOptions) {
    this.#options = options
    this.#contract = new Contract(options.document)
  }

  /**
   * Sends as many requests as the other rounds.
   *
   * @param round makes the requests differ from those of other rounds
   * @returns a report of the smallest request found for each operation that failed; empty when none did
   */
  async round(round: number): Promise<string[]> {
    const operations = [...this.#contract.operations.values()]
    const jobs = [
      ...operations.map((operation) => () => this.#fuzz(operation, round)),
      ...kindsOf(operations).map((kind) => () => this.#relive(kind, round)),
    ]
    const failures: string[] = []
    const work = async () => {
      for (let job = jobs.shift(); job; job = jobs.shift()) failures.push(...(await job()))
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    return failures
  }

  async #fuzz(operation: Operation, round: number): Promise<string[]> {
    const property = fc.asyncProperty(requestsOf(operation), this.#senders(), async (request, sender) => {
      await this.#send(request, sender)
    })
    return this.#check(operation.name, property, round, this.#options.runs)
  }

  async #relive(kind: Kind, round: number): Promise<string[]> {
    const property = fc.asyncProperty(livesOf(kind), async (life) => {
      const wrong = await live(life, kind, (request) => this.#send(request, this.#options.senders[0] ?? []))
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
    })
    return this.#check(
      `the life of ${kind.create.path}`,
      property,
      round,
      Math.ceil(this.#options.runs / RUNS_PER_LIFE),
    )
  }

  async #check<T>(name: string, property: fc.IAsyncProperty<T>, round: number, numRuns: number): Promise<string[]> {
    const seed = this.#options.seed + round
    const { failed, counterexample, errorInstance, counterexamplePath } = await fc.check(property, { seed, numRuns })
    if (!failed) return []
    const { message } = errorInstance as Error
    return [
      `${name} (FUZZ_SEED=${this.#options.seed}, round ${round}, path ${counterexamplePath}):\n${message}\n${excerpt(counterexample)}`,
    ]
  }

  /** Addresses differ, because a client that is refused again and again waits for its responses. */
  #senders(): fc.Arbitrary<readonly Header[]> {
    const { senders } = this.#options
    return fc
      .tuple(fc.nat(senders.length - 1), fc.nat(2 ** 24))
      .map(([index, n]) => [
        ...(senders[index] ?? []),
        ['x-forwarded-for', `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`],
      ])
  }

  async #send(request: FuzzRequest, sender: readonly Header[]) {
    this.requests++
    const response = await send(this.#options.url, request, [...sender])
    const code = response.status >= 400 ? codeOf(response.body.toString()) : ''
    const outcome = `${response.status || response.outcome} ${code}`.trim()
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    const violations = this.#contract.violations(request, response)
    if (violations.length > 0) throw new Error(violations.join('\n'))
    return response
  }
}

/** Bodies as text, and no more than somebody reads. */
function excerpt(value: unknown): string {
  const text = JSON.stringify(value, (_, member) =>
    member?.type === 'Buffer' ? Buffer.from(member.data.slice(0, EXCERPT)).toString('latin1') : member,
  )
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}… (${text.length} characters)` : text
}
