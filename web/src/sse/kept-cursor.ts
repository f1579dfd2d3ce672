/** Milliseconds between two savings: a tab that crashes has no chance to save. */
const SAVE_INTERVAL = 1000

/** A cursor in the session storage of a tab. */
export interface KeptCursor {
  /** The cursor that an earlier page of this tab saved. */
  readonly stored: string | undefined
  /** Saves once more, and stops. */
  stop(): void
}

/**
 * Keeps a cursor under a name in the tab's session storage, so that a reloaded tab resumes where it was.
 *
 * @param cursorOf returns the cursor to save; `undefined` saves nothing
 */
export function keepCursor(name: string, cursorOf: () => string | undefined): KeptCursor {
  const key = `sse-update cursor ${name}`
  const stored = sessionStorage.getItem(key) ?? undefined
  const save = () => {
    const cursor = cursorOf()
    if (cursor !== undefined) sessionStorage.setItem(key, cursor)
  }
  const timer = setInterval(save, SAVE_INTERVAL)
  globalThis.addEventListener?.('pagehide', save)
  return {
    stored,
    stop() {
      save()
      clearInterval(timer)
      globalThis.removeEventListener?.('pagehide', save)
    },
  }
}
