import { readdir, readFile } from 'node:fs/promises'

const NANOSECONDS = 1000

/** Microseconds of processor time that a process has used, all threads together; 0 when it has ended. Linux only. */
export async function cpuOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const times = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0'))
  return (await Promise.all(times)).reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / NANOSECONDS
}

/** Microseconds that the living children of a process have used, such as the backends of a postmaster. Linux only. */
export async function cpuOfChildren(parent: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const used = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // After the name in parentheses: the state, then the parent.
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]) === parent ? cpuOf(Number(pid)) : 0
  })
  return (await Promise.all(used)).reduce((sum, time) => sum + time, 0)
}
