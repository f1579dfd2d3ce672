import { distance } from 'fastest-levenshtein'

/** Edits that still count as a misspelling. */
const MAX_DISTANCE = 2
/** Characters that are compared: a hostile name costs no more than this. */
const MAX_LENGTH = 80

/**
 * The known name that is spelled most alike, ignoring case and punctuation: at most two edits away (Levenshtein), and not
 * everything is edited. Of several, the first.
 *
 * @param spellings what a name is compared by. Defaults to the name itself
 * @returns `undefined` when none is near
 */
export function nearest(
  name: string,
  known: readonly string[],
  spellings: (known: string) => string = (known) => known,
): string | undefined {
  const plain = plainName(name)
  let best: string | undefined
  let least = Math.min(MAX_DISTANCE + 1, plain.length)
  for (const candidate of known) {
    const edits = distance(plain, plainName(spellings(candidate)))
    if (edits < least) [best, least] = [candidate, edits]
  }
  return best
}

/**
 * The route that a misspelled path was meant for, such as `/api/orders/:id` for `/api/order/17` or `/orders/17`.
 *
 * @param routes paths with parameters, such as `/api/orders/:id`
 * @returns `undefined` when none is near
 */
export function nearestRoute(path: string, routes: readonly string[]): string | undefined {
  const near = (path: string) => nearest(path, routes, (route) => fillParameters(route, path))
  return near(path) ?? near(`/api${path}`)
}

const plainName = (name: string) =>
  name
    .slice(0, MAX_LENGTH)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')

/** The route with the segments of the path in place of its parameters. */
function fillParameters(route: string, path: string): string {
  const segments = path.split('/')
  return route
    .split('/')
    .map((part, index) => (part.startsWith(':') ? (segments[index] ?? part) : part))
    .join('/')
}
