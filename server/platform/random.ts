import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { mersenne } from 'pure-rand/generator/mersenne'

/** Returns a source of numbers from 0 (included) to 1 (excluded) that a seed repeats: a Mersenne Twister. */
export function createRandom(seed: number): () => number {
  const generator = mersenne(seed)
  return () => uniformFloat64(generator)
}
