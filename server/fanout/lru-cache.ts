/** The values used last, by key; beyond a number the oldest are forgotten. */
export class LruCache<T> {
  readonly #values = new Map<string, T>()

  constructor(readonly size: number) {}

  get(key: string): T | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: T): void {
    // A Map keeps the order of insertion: this one is the youngest now.
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size > this.size) this.#values.delete(this.#values.keys().next().value as string)
  }

  /** Forgets the key, if it still has this value. */
  delete(key: string, value: T): void {
    if (this.#values.get(key) === value) this.#values.delete(key)
  }

  clear(): void {
    this.#values.clear()
  }
}
