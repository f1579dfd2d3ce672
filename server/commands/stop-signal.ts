/** Resolves with the first signal that asks the process to stop; at the second it exits at once. */
export const stopRequested = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.once(signal, () => {
        // Whoever asks twice does not want to wait.
        process.once(signal, () => process.exit(1))
        resolve(signal)
      })
    }
  })
