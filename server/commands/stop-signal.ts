const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Resolves with the first SIGTERM, SIGINT or SIGHUP. At a second one, of whichever kind, the process exits at once, with code 1. */
export const stopRequested = (): Promise<string> =>
  new Promise((resolve) => {
    let isRequested = false
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (isRequested) process.exit(1)
        isRequested = true
        resolve(signal)
      })
    }
  })
