import { expect, test } from 'bun:test'
import { type AllowedAdvisory, judgeAudit } from './advisories.ts'

// Outputs of bun 1.4.5.
const FOUND = {
  code: 1,
  out: '{"ms":[{"id":1094419,"url":"https://github.com/advisories/GHSA-w9mr-4mfr-499f","title":"ReDoS in ms","severity":"moderate","vulnerable_versions":"<2.0.0","cwe":["CWE-1333"],"cvss":{"score":5.3,"vectorString":"x"}}]}\n',
  error: '',
}
const CLEAN = { code: 0, out: '{}\n', error: '' }
const failure = (error: string) => ({ code: 1, out: '', error })
const ENDPOINT = 'error: POST https://registry.example/-/npm/v1/security/advisories/bulk'

const entry: AllowedAdvisory = {
  id: 'GHSA-w9mr-4mfr-499f',
  package: 'ms',
  reason: 'Only constants are parsed.',
  until: '2026-12-31',
}
const TODAY = '2026-12-31'

test('an advisory is a problem, and names the package and the address', () => {
  const { isChecked, problems } = judgeAudit(FOUND, [], TODAY)
  expect([isChecked, problems]).toEqual([
    true,
    ['GHSA-w9mr-4mfr-499f (moderate) in ms <2.0.0: ReDoS in ms https://github.com/advisories/GHSA-w9mr-4mfr-499f'],
  ])
})

test('an advisory that is allowed is none, until the last day', () => {
  expect(judgeAudit(FOUND, [entry], TODAY)).toEqual({ isChecked: true, problems: [], notes: [] })
  expect(judgeAudit(FOUND, [entry], '2027-01-01').problems).toEqual([expect.stringContaining('until 2026-12-31')])
})

test('an entry for another package or another advisory does not allow it', () => {
  for (const other of [
    { ...entry, package: 'debug' },
    { ...entry, id: 'GHSA-0000-0000-0000' },
  ]) {
    expect(judgeAudit(FOUND, [other], TODAY).problems).toHaveLength(1)
  }
})

test('no advisory is no problem; an entry that nothing needs is noted', () => {
  expect(judgeAudit(CLEAN, [], TODAY)).toEqual({ isChecked: true, problems: [], notes: [] })
  expect(judgeAudit(CLEAN, [entry], TODAY)).toMatchObject({
    problems: [],
    notes: [expect.stringContaining('remove it')],
  })
})

test.each([
  `${ENDPOINT} - 405`,
  `${ENDPOINT} - 404`,
  `${ENDPOINT} - 503`,
  `${ENDPOINT} - ConnectionRefused`,
  `${ENDPOINT} - DNSResolveFailed`,
  'error: https://registry.example returned a non-JSON audit response',
])('a registry without advisories is no problem, and is said loudly: %s', (error) => {
  expect(judgeAudit(failure(`${error}\n`), [], TODAY)).toEqual({
    isChecked: false,
    problems: [],
    notes: [`ADVISORIES WERE NOT CHECKED: ${error}`],
  })
})

test('an entry that has expired is a problem, even when nothing can be checked', () => {
  expect(judgeAudit(failure(`${ENDPOINT} - 405`), [entry], '2027-01-01').problems).toHaveLength(1)
})

test.each([`${ENDPOINT} - 401`, `${ENDPOINT} - 403`, 'error: bun.lock is not valid', ''])(
  'any other failure is a problem: %j',
  (error) => {
    expect(judgeAudit(failure(error), [], TODAY)).toMatchObject({ isChecked: false, problems: [expect.any(String)] })
  },
)

test.each([{ id: 'CVE-1' }, { package: '' }, { reason: '' }, { until: 'forever' }])(
  'an entry without what it needs is a problem: %j',
  (fault) => {
    expect(judgeAudit(CLEAN, [{ ...entry, ...fault }], TODAY).problems).toEqual([expect.stringContaining('wants id')])
  },
)
