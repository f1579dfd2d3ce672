const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/

/** Whether the browser has no network to the page's server. A server on the same machine needs none. */
export const isOffline = (): boolean =>
  navigator.onLine === false && !LOOPBACK.test(globalThis.location?.hostname ?? '')

/** Calls back when the browser loses its network (`true`: offline) and when it has it again. Returns how to stop that. */
export function onNetworkChange(listener: (isOffline: boolean) => void): () => void {
  const onOnline = () => listener(false)
  const onOffline = () => {
    if (isOffline()) listener(true)
  }
  globalThis.addEventListener?.('online', onOnline)
  globalThis.addEventListener?.('offline', onOffline)
  return () => {
    globalThis.removeEventListener?.('online', onOnline)
    globalThis.removeEventListener?.('offline', onOffline)
  }
}
