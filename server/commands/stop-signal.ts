/** Resolves with the first SIGTERM, SIGINT or SIGHUP. At a second one the process exits at once, with code 1. */
export const stopRequested = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.once(signal, () => {
        // A second signal of the same kind does not wait for the drain.
        process.once(signal, () => process.exit(1))
        resolve(signal)
      })
    }
  })
