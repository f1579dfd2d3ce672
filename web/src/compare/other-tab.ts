const LOCK = 'sse-update compare'

/**
 * Holds the page's lock for as long as its lanes run, where the browser has locks (on pages that are served securely, or from
 * this machine).
 *
 * @param onOther another tab of this browser has it
 * @returns how to let go of it
 */
export function holdLock(onOther: () => void): () => void {
  let release = () => {}
  const isReleased = new Promise<void>((resolve) => {
    release = resolve
  })
  void navigator.locks?.request(LOCK, { ifAvailable: true }, (lock) => {
    if (lock) return isReleased
    onOther()
    return undefined
  })
  return release
}

/** Whether all tabs share six connections to the server: HTTP/1.1, and its predecessors. */
export function hasSixConnections(): boolean {
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return !/^h[23]/.test(entry?.nextHopProtocol ?? '')
}
