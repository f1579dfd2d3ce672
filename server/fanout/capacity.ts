/** What a new stream adds to an instance, and what the instance has already. */
export interface Demand {
  /** Streams that are open. */
  connections: number
  /** Whether the stream replaces one of them, so that their number does not grow. */
  isReplacement: boolean
  /** Tokens and patterns in the index of subscriptions. */
  indexSize: number
  /** Tokens and patterns that the stream adds to the index; `0` when it joins an audience. */
  growth: number
}

/** The bounds of one instance. */
export interface Capacity {
  /** Tokens and patterns that the index of subscriptions may hold. */
  readonly maxIndexSize: number
  /** Whether a further stream may be opened. */
  admits(demand: Demand): boolean
}

/**
 * Least number of tokens and patterns that the index of an instance may hold: about 220 bytes each, and at worst 50 ms for
 * the look-up of one channel.
 */
const MIN_INDEX_SIZE = 1_000_000
/** Tokens and patterns that the index may hold for each stream, where many streams are allowed. */
const INDEX_SIZE_PER_STREAM = 20
/** Tokens and patterns above which a stream may use only half of the index, so that small selections still find room. */
const LARGE_SELECTION = 50

/** @param maxConnections streams that may be open at once; see `MAX_CONNECTIONS` */
export function createCapacity(maxConnections: number): Capacity {
  const maxIndexSize = Math.max(MIN_INDEX_SIZE, INDEX_SIZE_PER_STREAM * maxConnections)
  const fitsIndex = ({ indexSize, growth }: Demand) =>
    growth === 0 || indexSize + growth <= (growth > LARGE_SELECTION ? maxIndexSize / 2 : maxIndexSize)
  return {
    maxIndexSize,
    admits: (demand) => (demand.isReplacement || demand.connections < maxConnections) && fitsIndex(demand),
  }
}
