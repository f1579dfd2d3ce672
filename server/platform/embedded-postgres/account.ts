import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The account that Postgres runs under: Postgres refuses to run as root. */
export interface Account {
  uid: number
  gid: number
}

/** An unprivileged account when this process is root; `undefined` when Postgres can run as this process does. */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = new Map(
    (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => {
      const [name, , uid, gid] = line.split(':')
      return [name, { uid: Number(uid), gid: Number(gid) }] as const
    }),
  )
  return accounts.get('postgres') ?? accounts.get('nobody') ?? { uid: 65_534, gid: 65_534 }
}

/** Whether every account may enter a folder and all folders above it; root's home, for example, is closed. */
export async function isReachableByAll(directory: string): Promise<boolean> {
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) return false
  const parent = dirname(directory)
  return parent === directory || isReachableByAll(parent)
}
