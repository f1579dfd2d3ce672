/**
 * Requests over a channel of messages that wait for their responses, each under a number of its own.
 *
 * @param timeout milliseconds after which a request has no response
 */
export function createPending<T>(timeout: number): {
  /** @returns the response; `undefined` when there is none in time, or `send` returns `false` */
  request(send: (id: number) => boolean): Promise<T | undefined>
  /** A response has arrived. One that is too late has no effect. */
  resolve(id: number, value: T | undefined): void
  /** Nothing responds any more. */
  close(): void
} {
  const waiting = new Map<number, (value: T | undefined) => void>()
  let last = 0
  return {
    request(send) {
      const id = ++last
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(undefined), timeout)
        const settle = (value: T | undefined) => {
          clearTimeout(timer)
          waiting.delete(id)
          resolve(value)
        }
        waiting.set(id, settle)
        if (!send(id)) settle(undefined)
      })
    },
    resolve: (id, value) => waiting.get(id)?.(value),
    close() {
      for (const settle of waiting.values()) settle(undefined)
    },
  }
}
