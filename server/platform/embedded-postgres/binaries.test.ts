import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isReachableByAll, postgresAccount } from './account.ts'
import { findBinaries } from './binaries.ts'

let parent: string
let native: string
beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'sse-update-binaries-')))
  await chmod(parent, 0o755)
  native = join(parent, 'package/native')
  await mkdir(join(native, 'bin'), { recursive: true })
  await mkdir(join(native, 'lib'))
  await writeFile(join(native, 'bin/postgres'), 'binary')
  await writeFile(join(native, 'lib/libpq.so.5.18'), 'library')
  await writeFile(join(parent, 'package/package.json'), '{"version":"18.0.0"}')
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const copyTo = () => join(parent, 'data')

describe('the binaries of a package', () => {
  test('are used where they are, with the links that their libraries need', async () => {
    expect(await findBinaries(copyTo(), false, native)).toBe(join(native, 'bin'))
    expect(await readlink(join(native, 'lib/libpq.so.5'))).toBe('libpq.so.5.18')
    expect(await findBinaries(copyTo(), false, native)).toBe(join(native, 'bin'))
  })

  test('are used where they are for another account that may read them', async () => {
    expect(await findBinaries(copyTo(), true, native)).toBe(join(native, 'bin'))
  })

  test('need no list of links', async () => {
    await rm(join(native, 'pg-symlinks.json'))
    expect(await findBinaries(copyTo(), false, native)).toBe(join(native, 'bin'))
  })

  test('are copied where the account of Postgres can not read them, once for each version', async () => {
    await chmod(join(parent, 'package'), 0o700)
    const copied = await findBinaries(copyTo(), true, native)
    expect(copied).toBe(join(parent, 'data/postgres-18.0.0/bin'))
    expect(await readFile(join(copied, 'postgres'), 'utf8')).toBe('binary')
    expect((await lstat(join(copied, '../lib/libpq.so.5'))).isSymbolicLink()).toBe(true)
    expect(await isReachableByAll(copied)).toBe(true)
    // No temporary folder stays.
    expect(await readdir(copyTo())).toEqual(['postgres-18.0.0'])
    await writeFile(join(native, 'bin/postgres'), 'changed')
    expect(await readFile(join(await findBinaries(copyTo(), true, native), 'postgres'), 'utf8')).toBe('binary')
  })

  test('are copied by several instances at once to one place', async () => {
    await chmod(join(parent, 'package'), 0o700)
    const script = `
      import { findBinaries } from '${import.meta.dir}/binaries.ts'
      console.log(await findBinaries(process.argv.at(-2), true, process.argv.at(-1)))`
    const found = await Promise.all(
      [1, 2, 3].map(() => Bun.$`${process.execPath} -e ${script} ${copyTo()} ${native}`.text()),
    )
    expect(new Set(found)).toEqual(new Set([`${join(parent, 'data/postgres-18.0.0/bin')}\n`]))
    expect(await readdir(copyTo())).toEqual(['postgres-18.0.0'])
  })
})

describe('a folder', () => {
  test('is reachable by all only when it and all that are above it are', async () => {
    expect(await isReachableByAll(native)).toBe(true)
    await chmod(join(parent, 'package'), 0o700)
    expect(await isReachableByAll(native)).toBe(false)
    await chmod(join(parent, 'package'), 0o755)
    await chmod(native, 0o700)
    expect(await isReachableByAll(native)).toBe(false)
  })
})

test('Postgres runs under an unprivileged account when this process is root, else under that of this process', async () => {
  const account = await postgresAccount()
  if (process.getuid?.() === 0) expect(account?.uid).toBeGreaterThan(0)
  else expect(account).toBeUndefined()
})
