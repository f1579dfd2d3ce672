import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import {
  checkCluster,
  clearDeadPid,
  type DataDirectory,
  defaultDataDirectory,
  isAlive,
  makeClusterFolder,
  makeSocketFolder,
  moveIntoPlace,
  prepareDataDirectory,
  removeSocketFolder,
  runningPid,
} from './data-directory.ts'

const NOBODY = { uid: 65_534, gid: 65_534 }
const asRoot = test.if(process.getuid?.() === 0)

let parent: string
let directory: DataDirectory
beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'sse-update-data-')))
  directory = await prepareDataDirectory(join(parent, 'data'), undefined)
  await mkdir(directory.cluster)
})
afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
  await rm(directory.sockets, { recursive: true, force: true })
})

const pidFile = () => join(directory.cluster, 'postmaster.pid')

/** The ID of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = Bun.spawn(['true'])
  await child.exited
  return child.pid
}

/** A process whose command line names the cluster, as that of its Postgres does. */
function startNamed(cluster: string) {
  const child = Bun.spawn(['sh', '-c', 'read line', 'postgres', '-D', cluster], { stdin: 'pipe' })
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

describe('the data folder', () => {
  test('is made with its parents, and holds all but the sockets', async () => {
    expect(directory).toEqual({
      root: join(parent, 'data'),
      cluster: join(parent, 'data/postgres'),
      log: join(parent, 'data/postgres.log'),
      sockets: expect.stringMatching(/\/sse-update-[0-9a-f]{12}$/),
    })
    expect((await stat(directory.root)).mode & 0o777).toBe(0o755)
  })

  test('has sockets of its own', async () => {
    const other = await prepareDataDirectory(join(parent, 'other'), undefined)
    expect(other.sockets).not.toBe(directory.sockets)
  })

  test('that the account of Postgres can not enter is refused, with the setting to change', async () => {
    await mkdir(join(parent, 'closed'), { mode: 0o700 })
    const failure = await prepareDataDirectory(join(parent, 'closed/data'), NOBODY).catch((error) => error)
    expect(failure).toMatchObject({ name: 'NoPostgresError', message: expect.stringContaining('DATA_DIR') })
  })

  const failureOf = (path: string) => prepareDataDirectory(path, undefined).catch((error) => error)

  test('that can not be made is refused in one line, with the setting to change', async () => {
    await writeFile(join(parent, 'file'), '')
    for (const path of [join(parent, 'file'), join(parent, 'file/data')]) {
      const { name, message } = await failureOf(path)
      expect(name).toBe('NoPostgresError')
      expect(message).toStartWith(`The data directory ${path} can't be used (DATA_DIR): `)
      expect(message).not.toContain('\n')
    }
  })

  test.each(['notes.txt', 'PG_VERSION', 'postgres/base'])('that has other content (%s) is refused', async (entry) => {
    const root = join(parent, 'used')
    await mkdir(join(root, 'postgres'), { recursive: true })
    await writeFile(join(root, entry), '')
    const { name, message } = await failureOf(root)
    expect(name).toBe('NoPostgresError')
    expect(message).toStartWith(`The data directory ${root} has other content (${entry.split('/')[0]})`)
  })

  test('is accepted with what an interrupted start left, on a file system of its own, and beside a cluster', async () => {
    const root = join(parent, 'left')
    for (const folder of ['postgres', 'postgres.17', 'postgres-18.4.0', 'lost+found', '.hidden']) {
      await mkdir(join(root, folder), { recursive: true })
    }
    await writeFile(join(root, 'postgres.log'), '')
    expect(await failureOf(root)).toMatchObject({ root })
    await writeFile(join(root, 'postgres/PG_VERSION'), '18\n')
    await writeFile(join(root, 'notes.txt'), '')
    expect(await failureOf(root)).toMatchObject({ root })
  })

  test('without a cluster has no database for a command that must not create one', async () => {
    const root = join(parent, 'empty')
    expect(() => checkCluster(root)).toThrow(
      `There is no database in ${root}. Run "sse-update migrate" or start the server first, or set DATA_DIR as for the server.`,
    )
    await mkdir(join(root, 'postgres'), { recursive: true })
    await writeFile(join(root, 'postgres/PG_VERSION'), '18\n')
    expect(() => checkCluster(root)).not.toThrow()
  })

  test('is .data in the working directory unless the account of Postgres can not enter that', async () => {
    expect(await defaultDataDirectory(undefined)).toBe(join(process.cwd(), '.data'))
    const before = process.cwd()
    await mkdir(join(parent, 'closed'), { mode: 0o700 })
    process.chdir(join(parent, 'closed'))
    try {
      expect(await defaultDataDirectory(NOBODY)).toMatch(/^\/var\/lib\/sse-update\/closed-[0-9a-f]{12}$/)
    } finally {
      process.chdir(before)
    }
  })
})

describe('the folder of the unix socket', () => {
  test('is closed to other accounts, also when it was open', async () => {
    await mkdir(directory.sockets, { mode: 0o777 })
    await makeSocketFolder(directory, undefined)
    expect((await stat(directory.sockets)).mode & 0o777).toBe(0o700)
  })

  asRoot('belongs to the account of Postgres', async () => {
    await makeSocketFolder(directory, NOBODY)
    expect(await stat(directory.sockets)).toMatchObject(NOBODY)
  })

  test('is removed when it is empty, and when it is not there nothing happens', async () => {
    await makeSocketFolder(directory, undefined)
    await removeSocketFolder(directory)
    expect(existsSync(directory.sockets)).toBe(false)
    await removeSocketFolder(directory)
  })

  test('stays while a Postgres has its socket in it', async () => {
    await makeSocketFolder(directory, undefined)
    await writeFile(join(directory.sockets, '.s.PGSQL.5432'), '')
    await removeSocketFolder(directory)
    expect(existsSync(directory.sockets)).toBe(true)
  })
})

describe('a process', () => {
  test('is alive until it has ended', async () => {
    expect(isAlive(process.pid)).toBe(true)
    expect(isAlive(await deadPid())).toBe(false)
  })

  test('of another account is alive, too', () => {
    expect(isAlive(1)).toBe(true)
  })
})

describe('the Postgres of a cluster', () => {
  test('runs when the process of its postmaster.pid is alive and names the cluster', async () => {
    await using postgres = startNamed(directory.cluster)
    await writeFile(pidFile(), `${postgres.pid}\n${directory.cluster}\n`)
    expect(await runningPid(directory)).toBe(postgres.pid)
    await clearDeadPid(directory)
    expect(existsSync(pidFile())).toBe(true)
  })

  test('does not run when its process has ended; its file is removed', async () => {
    await writeFile(pidFile(), `${await deadPid()}\n`)
    expect(await runningPid(directory)).toBeUndefined()
    await clearDeadPid(directory)
    expect(existsSync(pidFile())).toBe(false)
  })

  test('does not run when its process ID is now that of another program; its file is removed', async () => {
    await using other = startNamed('/another/cluster')
    await writeFile(pidFile(), `${other.pid}\n`)
    expect(await runningPid(directory)).toBeUndefined()
    await clearDeadPid(directory)
    expect(existsSync(pidFile())).toBe(false)
  })

  test.each(['', 'starting\n'])('does not run when its file says %j', async (content) => {
    await writeFile(pidFile(), content)
    expect(await runningPid(directory)).toBeUndefined()
  })

  test('does not run without a file', async () => {
    expect(await runningPid(directory)).toBeUndefined()
    await clearDeadPid(directory)
  })
})

describe('a new cluster', () => {
  beforeEach(() => rm(directory.cluster, { recursive: true }))

  test('is made in an empty, closed folder beside its place, and moved there when it is finished', async () => {
    const made = await makeClusterFolder(directory, undefined)
    expect((await stat(made)).mode & 0o777).toBe(0o700)
    await writeFile(join(made, 'PG_VERSION'), '18\n')
    await moveIntoPlace(made, directory.cluster)
    expect(await readFile(join(directory.cluster, 'PG_VERSION'), 'utf8')).toBe('18\n')
    expect(existsSync(made)).toBe(false)
  })

  test('is made in a folder without what an earlier attempt left', async () => {
    await writeFile(join(await makeClusterFolder(directory, undefined), 'leftover'), '')
    const made = await makeClusterFolder(directory, undefined)
    expect(existsSync(join(made, 'leftover'))).toBe(false)
  })

  asRoot('belongs to the account of Postgres', async () => {
    expect(await stat(await makeClusterFolder(directory, NOBODY))).toMatchObject(NOBODY)
  })

  test('gives way to the cluster of an instance that was quicker', async () => {
    const made = await makeClusterFolder(directory, undefined)
    await mkdir(directory.cluster)
    await writeFile(join(directory.cluster, 'PG_VERSION'), 'the other')
    await moveIntoPlace(made, directory.cluster)
    expect(await readFile(join(directory.cluster, 'PG_VERSION'), 'utf8')).toBe('the other')
    expect(existsSync(made)).toBe(false)
    expect(basename(made)).toContain(String(process.pid))
  })
})
