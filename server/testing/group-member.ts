// A small process of a group, for tests of the supervisor: `bun group-member.ts MODE FILE`. It appends a line to FILE at each start.
import { appendFileSync, readFileSync } from 'node:fs'
import { joinGroup } from '../platform/process-group/member.ts'

const [mode = '', file = ''] = process.argv.slice(2)
appendFileSync(file, `${process.pid}\n`)
const starts = readFileSync(file, 'utf8').trimEnd().split('\n').length

if (mode === 'never-starts') process.exit(3)
if (mode === 'starts-once' && starts > 1) process.exit(4)
const member = await joinGroup()
if (mode !== 'never-serves') member?.running(`test:${member.assignment.number}`)
if (mode === 'ends' || (mode === 'ends-once' && starts === 1)) setTimeout(() => process.exit(5), 1)
else if (mode === 'starts-once') setTimeout(() => process.exit(6), 50)
else if (mode === 'ignores-stop') setInterval(() => {}, 1000)
else if (mode === 'serves' || mode === 'never-serves' || mode === 'ends-once') {
  await member?.stopRequested
  process.exit(0)
}
