/** The other tabs of a browser, and the channels they follow. Each holds a lock of its own for as long as it exists. */
export class Peers {
  readonly #name: string
  readonly #onGone: () => void
  readonly #channels = new Map<string, readonly string[]>()
  /** Tabs whose locks this tab waits for. */
  readonly #watched = new Set<string>()
  #isWatching = false

  /**
   * @param name of what the tabs share
   * @param onGone called after a tab has ended
   */
  constructor(name: string, onGone: () => void) {
    this.#name = name
    this.#onGone = onGone
  }

  /** Holds this tab's own lock until `end` settles. Resolves when it has the lock: no other tab may learn of it before. */
  announce(tab: string, end: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      void navigator.locks.request(this.#lockOf(tab), () => {
        resolve()
        return end
      })
    })
  }

  /** The channels that all of them follow. */
  get channels(): readonly string[] {
    return [...this.#channels.values()].flat()
  }

  /** Records what a tab follows. */
  set(tab: string, channels: readonly string[]): void {
    this.#channels.set(tab, channels)
    if (this.#isWatching) this.#watch(tab)
  }

  /** From now on, tabs that end are forgotten, crashed ones included. */
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
