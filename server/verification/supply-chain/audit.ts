// Checks the packages of bun.lock for known vulnerabilities: a step of .ci/run. With AUDIT_REQUIRED=yes, it also fails when the
// registry has no advisories.
import { type AllowedAdvisory, judgeAudit } from './advisories.ts'
import allowed from './allowed-advisories.json' with { type: 'json' }

const child = Bun.spawn([process.execPath, 'audit', '--json'], {
  cwd: `${import.meta.dir}/../../..`,
  stdout: 'pipe',
  stderr: 'pipe',
})
const [out, error, code] = await Promise.all([
  new Response(child.stdout).text(),
  new Response(child.stderr).text(),
  child.exited,
])
const today = new Date().toISOString().slice(0, 10)
const { isChecked, problems, notes } = judgeAudit({ out, error, code }, allowed as AllowedAdvisory[], today)
for (const line of [...notes, ...problems]) console.error(line)
const isRequired = process.env.AUDIT_REQUIRED === 'yes'
if (problems.length > 0 || (isRequired && !isChecked)) process.exit(1)
if (isChecked) console.log('No advisory applies to the packages of bun.lock.')
