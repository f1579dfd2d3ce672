/** An advisory that does not apply here, and until when somebody has to look at it again. */
export interface AllowedAdvisory {
  /** `GHSA-…` */
  id: string
  package: string
  /** Why it does not apply: one sentence. */
  reason: string
  /** The last day on which this holds: `2026-12-31`. */
  until: string
}

/** How `bun audit --json` ended. */
export interface AuditOutput {
  code: number
  out: string
  error: string
}

/** What a check of advisories says. It fails when there are `problems`. */
export interface Verdict {
  /** Whether the registry responded with its advisories. */
  isChecked: boolean
  problems: string[]
  notes: string[]
}

interface Advisory {
  url: string
  title: string
  severity: string
  vulnerable_versions: string
}

/**
 * Judges what `bun audit` said. Each advisory that is not allowed is a problem; so is an entry of the list that has expired, or
 * lacks a field. A registry that has no advisories, or can't be reached, is none: nothing was checked then.
 *
 * @param today as in `2026-12-31`
 */
export function judgeAudit(output: AuditOutput, allowed: readonly AllowedAdvisory[], today: string): Verdict {
  const problems = allowed.flatMap((entry) => problemOf(entry, today))
  const advisories = advisoriesOf(output)
  if (advisories) {
    const isAllowed = (found: Found) => allowed.some((entry) => isFor(entry, found))
    const open = advisories.filter((found) => !isAllowed(found)).map(describe)
    const unused = allowed.filter((entry) => !advisories.some((found) => isFor(entry, found)))
    const notes = unused.map(
      ({ id, package: name }) => `${id} (${name}) is allowed, and is not reported any more: remove it`,
    )
    return { isChecked: true, problems: [...problems, ...open], notes }
  }
  const reason = output.error.trim() || `bun audit ended with ${output.code} and without a result`
  if (!UNAVAILABLE.test(reason)) problems.push(reason)
  return { isChecked: false, problems, notes: [`ADVISORIES WERE NOT CHECKED: ${reason}`] }
}

/** No such endpoint, a server in trouble, something else in its place, or no connection. Wrong credentials are not among them. */
const UNAVAILABLE = / - (404|405|410|429|501|5\d\d|[A-Z][A-Za-z]+)$|returned a non-JSON audit response$/

interface Found extends Advisory {
  package: string
  id: string
}

/** The advisories; `undefined` when the output has none because nothing was checked. */
function advisoriesOf({ out }: AuditOutput): Found[] | undefined {
  try {
    return Object.entries(JSON.parse(out) as Record<string, Advisory[]>).flatMap(([name, found]) =>
      found.map((advisory) => ({ ...advisory, package: name, id: advisory.url.split('/').at(-1) ?? '' })),
    )
  } catch {
    return undefined
  }
}

const isFor = (entry: AllowedAdvisory, found: Found) => entry.id === found.id && entry.package === found.package

const describe = ({ id, package: name, severity, title, vulnerable_versions, url }: Found) =>
  `${id} (${severity}) in ${name} ${vulnerable_versions}: ${title} ${url}`

function problemOf({ id, package: name, reason, until }: AllowedAdvisory, today: string): string[] {
  if (!/^GHSA(-[\w]{4}){3}$/.test(id) || !name || !reason || !/^\d{4}-\d\d-\d\d$/.test(until)) {
    return [`allowed-advisories.json: ${JSON.stringify(id)} wants id, package, reason and until`]
  }
  return until < today ? [`allowed-advisories.json: ${id} (${name}) was allowed until ${until}: look at it again`] : []
}
