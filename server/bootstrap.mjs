// What `npm start` and `npm test` run first, on plain Node 20 or on Bun: it gets Bun and the packages where they are
// missing, builds the dashboard when its sources are newer, and hands over. Plain JavaScript, and nothing but what Node
// has, because nothing is installed yet.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const isWindows = process.platform === 'win32'
const wantedBun = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.bun

const tasks = {
  start: (args) => [['server/main.ts', 'serve', ...args]],
  run: (args) => [['server/main.ts', ...args]],
  test: (args) => [['test', '--timeout=60000', ...args]],
  dev: () => [
    ['--watch', 'server/main.ts', 'serve'],
    ['--bun', 'node_modules/vite/bin/vite.js', 'web'],
  ],
}

const [task = '', ...args] = process.argv.slice(2)
if (!(task in tasks)) fail(`Usage: bootstrap.mjs ${Object.keys(tasks).join(' | ')}`)
const bun = install()
if (task === 'start' || task === 'test') buildDashboard()
handOver(tasks[task](args))

/** Installs what the lock file names, unless that was done before; returns the path of Bun. */
function install() {
  const stamp = join(root, 'node_modules/.installed')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'bun.lock')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) {
    const installed = installedBun()
    if (installed) return installed
  }
  console.error('Installing packages …')
  const temporary = mkdtempSync(join(tmpdir(), 'sse-update-bun-'))
  try {
    const installer = installedBun() ?? ownBun() ?? bunFromNpm(temporary)
    run(installer, ['install', '--frozen-lockfile'], { stdio: ['ignore', 'ignore', 'inherit'] })
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  const installed = installedBun()
  if (!installed) fail(`Bun ${wantedBun} does not run on this machine (${process.platform}-${process.arch}).`)
  writeFileSync(stamp, lock)
  return installed
}

/** The Bun of the lock file. Its install script, where it ran, has moved the program from one package to the other. */
function installedBun(under = root) {
  const modules = join(under, 'node_modules')
  const platforms = existsSync(join(modules, '@oven')) ? readdirSync(join(modules, '@oven')) : []
  const program = isWindows ? 'bun.exe' : 'bun'
  const places = [
    join(modules, 'bun/bin/bun.exe'),
    ...platforms.map((name) => join(modules, '@oven', name, 'bin', program)),
  ]
  return places.find((path) => versionOf(path) === wantedBun)
}

/** The Bun that runs this, or one on the PATH. */
function ownBun() {
  if (process.versions.bun) return process.execPath
  return versionOf('bun') === undefined ? undefined : 'bun'
}

/** Bun from the registry, by npm. It must have the hash of bun.lock: before Bun runs, nothing else checks that. */
function bunFromNpm(directory) {
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ dependencies: { bun: wantedBun } }))
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockOfBun()))
  run('npm', ['ci', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    shell: isWindows,
  })
  // npm leaves out what is for another platform, and what has another hash.
  return (
    installedBun(directory) ??
    fail(
      `npm installed no Bun ${wantedBun} for this machine (${process.platform}-${process.arch}): there is none, or its hash is not that of bun.lock.`,
    )
  )
}

/** What bun.lock says of Bun and its programs, one for each platform, as a lock file of npm. */
function lockOfBun() {
  // JSON with trailing commas.
  const { packages } = JSON.parse(readFileSync(join(root, 'bun.lock'), 'utf8').replace(/,(\s*[}\]])/g, '$1'))
  const names = Object.keys(packages).filter((name) => name === 'bun' || name.startsWith('@oven/bun-'))
  const locked = names.map((name) => {
    const [, , { os, cpu, libc, optionalDependencies, bin }, integrity] = packages[name]
    const facts = { os, cpu, libc, optionalDependencies, bin, integrity, optional: name !== 'bun' }
    return [`node_modules/${name}`, { version: wantedBun, ...facts }]
  })
  const all = Object.fromEntries([['', { dependencies: { bun: wantedBun } }], ...locked])
  return { lockfileVersion: 3, requires: true, packages: all }
}

function buildDashboard() {
  const built = join(root, 'dist/web/index.html')
  const sources = ['web', 'bun.lock', 'package.json'].map((name) => newest(join(root, name)))
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...sources)) return
  console.error('Building the dashboard …')
  run(bun, ['run', '--silent', 'build:web'])
}

function newest(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** Runs the commands beside each other; ends when one ends, as it did. */
function handOver(commands) {
  const children = commands.map((command) => spawn(bun, command, { cwd: root, stdio: 'inherit', env: environment() }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal's ^C has reached the children already; a second signal would mean "now".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) for (const child of children) child.kill(signal)
    })
  }
  for (const child of children) {
    child.on('exit', (code, signal) => {
      for (const other of children) if (other !== child) other.kill('SIGTERM')
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
    })
  }
}

/** For scripts that call `bun`: the installed one comes first. */
function environment() {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}` }
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (error || status !== 0) fail(`"${command} ${args.join(' ')}" failed${error ? `: ${error.message}` : ''}.`)
}

function versionOf(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
