import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createDatabase, type TestDatabase } from '../../server/testing/database.ts'
import { type FaultProxy, startFaultProxy } from '../../server/testing/fault-proxy.ts'
import { startInstance } from '../../server/testing/instance.ts'
import { until } from '../../server/testing/until.ts'

// Each program as it is, through connections that are cut: program → fault proxy → sse-update.

const file = (name: string) => new URL(name, import.meta.url).pathname
/** Python with the packages of the recipe: `RECIPES_PYTHON`, or the one on the path. */
const python = process.env.RECIPES_PYTHON ?? Bun.which('python3') ?? 'python3'

interface Program {
  name: string
  command: readonly string[]
  /** Whether this machine can run it. */
  probe: readonly string[]
  /** What to install where it can't. */
  needs: string
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'follow.sh',
    command: ['sh', file('follow.sh')],
    probe: ['curl', '--version'],
    needs: 'curl',
  },
  {
    name: 'follow.py',
    command: [python, file('follow.py')],
    probe: [python, '-c', 'import httpx, httpx_sse'],
    needs: 'Python with httpx and httpx-sse (or set RECIPES_PYTHON to one that has them)',
  },
  { name: 'follow.go', command: ['go', 'run', file('follow.go')], probe: ['go', 'version'], needs: 'Go' },
]

const runs = ([command = '', ...rest]: readonly string[]) =>
  Bun.which(command) !== null && Bun.spawnSync([command, ...rest], { stdout: 'ignore', stderr: 'ignore' }).success

/** Starts a program, and collects its lines. */
function start(command: readonly string[]) {
  // A group of its own: `go run` and the shell have children.
  const child = Bun.spawn([...command], { stdout: 'pipe', stderr: 'ignore', detached: true })
  const lines: string[] = []
  void (async () => {
    let rest = ''
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
    }
  })()
  const end = async () => {
    process.kill(-child.pid, 'SIGKILL')
    await child.exited
  }
  return { lines, [Symbol.asyncDispose]: end }
}

describe('the recipe', () => {
  let database: TestDatabase
  let instance: Awaited<ReturnType<typeof startInstance>>
  let proxy: FaultProxy
  beforeAll(async () => {
    database = await createDatabase()
    instance = await startInstance(database.url, { HEARTBEAT_MS: '200', RETRY_MS: '50' })
    proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(instance.url).port) })
  })
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await instance[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const publish = async (channel: string, text: string) => {
    const response = await fetch(`${instance.url}/events?channel=${channel}&type=item.added`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: text,
    })
    expect(response.status).toBe(201)
  }

  for (const { name, command, probe, needs } of PROGRAMS) {
    const isHere = runs(probe)
    if (!isHere) console.error(`\n*** web/recipes/${name} is SKIPPED: install ${needs}. ***\n`)
    test.if(isHere)(
      `${name} prints every event once and in order, through connections that are cut`,
      async () => {
        const channel = `program.${name.replace('.', '-')}`
        const wanted: string[] = []
        const add = async () => {
          await publish(channel, `item\n${wanted.length + 1}`)
          wanted.push(`item.added item ${wanted.length + 1}`)
        }
        await add()
        await using program = start([...command, `http://127.0.0.1:${proxy.port}`, channel, 'earliest'])
        const untilPrinted = () =>
          until(`${name} prints ${wanted.length} items`, () => program.lines.length >= wanted.length)
        await untilPrinted()
        for (let round = 0; round < 3; round++) {
          await add()
          await untilPrinted()
          await proxy.refuse()
          await add()
          await add()
          await proxy.accept()
          await untilPrinted()
        }
        expect(program.lines).toEqual(wanted)
      },
      100_000,
    )
  }
})
