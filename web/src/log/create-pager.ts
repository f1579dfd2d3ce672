/** A page that leads to the next one. */
export interface Page<C> {
  /** Cursor at which the next page starts. */
  cursor: C
  /** Whether there is a next page. */
  more: boolean
}

/** How pages are read, and what receives them. */
export interface PagerOptions<C, P extends Page<C>> {
  /** Reads the page at a cursor; the first page at `undefined`. */
  read: (cursor: C | undefined) => Promise<P>
  onPage: (page: P, isFirst: boolean) => void
  onError: (error: Error) => void
  /** Whether to continue with the next page at once, such as after a page without a match. */
  wantsMore: () => boolean
}

/** Reads pages one after the other. */
export interface Pager<C> {
  /** Reads the next page; does nothing while a page is being read, or after the last one. */
  next: () => Promise<void>
  /** Continues at a cursor, by default with the first page. The result of a read in progress is discarded. */
  restart: (cursor?: C) => void
}

/** Pages are delivered in order, and never after a restart that followed their request. */
export function createPager<C, P extends Page<C>>({ read, onPage, onError, wantsMore }: PagerOptions<C, P>): Pager<C> {
  let cursor: C | undefined
  let isAtEnd = false
  let isReading = false
  let generation = 0

  const readOne = async (): Promise<boolean> => {
    const mine = generation
    isReading = true
    try {
      const page = await read(cursor)
      if (mine !== generation) return false
      const isFirst = cursor === undefined
      cursor = page.cursor
      isAtEnd = !page.more
      isReading = false
      onPage(page, isFirst)
      return true
    } catch (error) {
      if (mine !== generation) return false
      isReading = false
      onError(error as Error)
      return false
    }
  }
  return {
    async next() {
      while (!isReading && !isAtEnd && (await readOne()) && wantsMore());
    },
    restart(from) {
      generation++
      isReading = false
      isAtEnd = false
      cursor = from
    },
  }
}
