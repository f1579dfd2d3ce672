import { createHash } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, chmod, chown, mkdir, readdir, readFile, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { messageOf } from '../errors.ts'
import { type Account, isReachableByAll } from './account.ts'
import { NoPostgresError } from './binaries.ts'

/** The files of one embedded Postgres. */
export interface DataDirectory {
  /** Contains all but the sockets. */
  root: string
  /** The database cluster, as made by initdb. */
  cluster: string
  /** The log of Postgres. */
  log: string
  /** Folder of the unix socket, in the system's temporary folder: the path of a socket has at most about 100 bytes. */
  sockets: string
}

/**
 * The data folder when none is set: `.data` in the working directory, so that each checkout has its own; one under
 * `/var/lib/sse-update` when this process is root and the account of Postgres can't enter the working directory.
 */
export async function defaultDataDirectory(account: Account | undefined): Promise<string> {
  const here = await realpath('.')
  if (account === undefined || (await isReachableByAll(here))) return join(here, '.data')
  return join('/var/lib/sse-update', `${basename(here)}-${shortHash(here)}`)
}

/** Whether a data folder has a finished cluster. */
export const hasCluster = (root: string): boolean => existsSync(join(root, 'postgres/PG_VERSION'))

/** @throws {NoPostgresError} when a data folder has no cluster */
export function checkCluster(path: string): void {
  if (hasCluster(path)) return
  throw new NoPostgresError(
    `There is no database in ${resolve(path)}. Run "sse-update migrate" or start the server first, or set DATA_DIR as for the server.`,
  )
}

/**
 * Makes the data folder. Only folders that Postgres alone uses are given to its account, and this one may be used by others.
 *
 * @throws {NoPostgresError} when this process can't write to it, the account of Postgres can't enter it, or it has other content
 */
export async function prepareDataDirectory(path: string, account: Account | undefined): Promise<DataDirectory> {
  const { root, foreign } = await openFolder(path).catch((error) => {
    throw new NoPostgresError(`The data directory ${resolve(path)} can't be used (DATA_DIR): ${messageOf(error)}`)
  })
  if (account && !(await isReachableByAll(root))) {
    throw new NoPostgresError(
      `Postgres can't run as root, and its account (uid ${account.uid}) can't enter ${root}. Set DATA_DIR to a folder that every account may enter.`,
    )
  }
  if (foreign !== undefined) {
    throw new NoPostgresError(
      `The data directory ${root} has other content (${foreign}) and no database of this server. Set DATA_DIR to an empty folder.`,
    )
  }
  return {
    root,
    cluster: join(root, 'postgres'),
    log: join(root, 'postgres.log'),
    sockets: join(tmpdir(), `sse-update-${shortHash(root)}`),
  }
}

async function openFolder(path: string): Promise<{ root: string; foreign: string | undefined }> {
  await mkdir(path, { recursive: true, mode: 0o755 })
  await access(path, constants.W_OK)
  const root = await realpath(resolve(path))
  return { root, foreign: await foreignEntry(root) }
}

/** What an interrupted first start leaves, hidden files, and the root of a file system that is mounted here. */
const OWN_ENTRY = /^(postgres([.-].*)?|\..*|lost\+found)$/

/** The name of an entry that does not belong to an embedded Postgres; `undefined` where a cluster is or can be made. */
async function foreignEntry(root: string): Promise<string | undefined> {
  if (hasCluster(root)) return undefined
  const entries = await readdir(root)
  const isOccupied = entries.includes('postgres') && (await readdir(join(root, 'postgres'))).length > 0
  return entries.find((name) => !OWN_ENTRY.test(name)) ?? (isOccupied ? 'postgres' : undefined)
}

/** Makes the folder of the unix socket, which only the account of Postgres may enter. */
export async function makeSocketFolder({ sockets }: DataDirectory, account: Account | undefined): Promise<void> {
  await mkdir(sockets, { recursive: true, mode: 0o700 })
  await chmod(sockets, 0o700)
  if (account) await chown(sockets, account.uid, account.gid)
}

/** Removes the folder of the unix socket, unless a Postgres has its socket in it, or another account owns it. */
export async function removeSocketFolder({ sockets }: DataDirectory): Promise<void> {
  await rmdir(sockets).catch((error) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EACCES'].includes(error.code)) throw error
  })
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** The process ID of the Postgres that runs on this cluster, from its postmaster.pid; `undefined` when none does. */
export async function runningPid(directory: DataDirectory): Promise<number | undefined> {
  const text = await readFile(join(directory.cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  if (!pid || !isAlive(pid)) return undefined
  // After a crash or a restart of the machine the number may belong to another program.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  return command === undefined || command.includes(directory.cluster) ? pid : undefined
}

/** Removes the postmaster.pid of a Postgres that has ended, which would prevent the next from starting. */
export async function clearDeadPid(directory: DataDirectory): Promise<void> {
  if ((await runningPid(directory)) === undefined) {
    await rm(join(directory.cluster, 'postmaster.pid'), { force: true })
  }
}

/** Whether a process exists, of whichever account. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Makes an empty folder beside the cluster, for initdb. */
export async function makeClusterFolder(directory: DataDirectory, account: Account | undefined): Promise<string> {
  const made = `${directory.cluster}.${process.pid}`
  await rm(made, { recursive: true, force: true })
  await mkdir(made, { mode: 0o700 })
  if (account) await chown(made, account.uid, account.gid)
  return made
}

/** Moves a finished cluster into place; when another instance was faster, its cluster is kept. */
export async function moveIntoPlace(made: string, cluster: string): Promise<void> {
  await rename(made, cluster).catch(() => rm(made, { recursive: true, force: true }))
}
