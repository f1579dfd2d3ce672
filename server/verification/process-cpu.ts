import { readdirSync, readFileSync } from 'node:fs'
import { SECOND } from '../platform/time.ts'

/** Clock ticks per second of the times in `/proc`; 100 on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100

/** CPU time that a process has used since its start, user and system together, in milliseconds. Linux only. */
export const cpuOf = (pid: number): number => (fieldsOf(pid).cpuTicks / TICKS_PER_SECOND) * SECOND

/** The same of every process that was started by a process, directly or not, such as the backends of Postgres. */
export function cpuOfDescendants(pid: number): number {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const child = Number(name)
    if (!Number.isInteger(child)) continue
    const parent = parentOf(child)
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), child])
  }
  const sum = (of: number): number =>
    (parents.get(of) ?? []).reduce((total, child) => total + cpuOrNothing(child) + sum(child), 0)
  return sum(pid)
}

/** Processes end while they are listed. */
function parentOf(pid: number): number | undefined {
  try {
    return fieldsOf(pid).parent
  } catch {
    return undefined
  }
}

function cpuOrNothing(pid: number): number {
  try {
    return cpuOf(pid)
  } catch {
    return 0
  }
}

/** proc_pid_stat(5): the name of the program may hold spaces and parentheses. */
function fieldsOf(pid: number): { parent: number; cpuTicks: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), cpuTicks: Number(fields[11]) + Number(fields[12]) }
}
