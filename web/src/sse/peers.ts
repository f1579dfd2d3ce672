/** The other tabs of a browser, what they follow, and which are gone: each holds a lock as long as it is there. */
export class Peers {
  readonly #name: string
  readonly #onGone: () => void
  readonly #channels = new Map<string, readonly string[]>()
  /** Those whose locks this tab waits for. */
  readonly #watched = new Set<string>()
  #isWatching = false

  /** @param name of what the tabs share */
  constructor(name: string, onGone: () => void) {
    this.#name = name
    this.#onGone = onGone
  }

  /** Holds this tab's own lock until `end`; resolves when it has it: before, the others must not hear of the tab. */
  announce(tab: string, end: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      void navigator.locks.request(this.#lockOf(tab), () => {
        resolve()
        return end
      })
    })
  }

  /** What all of them follow. */
  get channels(): readonly string[] {
    return [...this.#channels.values()].flat()
  }

  set(tab: string, channels: readonly string[]): void {
    this.#channels.set(tab, channels)
    if (this.#isWatching) this.#watch(tab)
  }

  /** From now on, those that are gone are forgotten, however they ended. */
  watch(): void {
    this.#isWatching = true
    for (const tab of this.#channels.keys()) this.#watch(tab)
  }

  #watch(tab: string): void {
    if (this.#watched.has(tab)) return
    this.#watched.add(tab)
    void navigator.locks.request(this.#lockOf(tab), async () => {
      this.#watched.delete(tab)
      this.#channels.delete(tab)
      this.#onGone()
    })
  }

  #lockOf(tab: string): string {
    return `${this.#name} tab ${tab}`
  }
}
