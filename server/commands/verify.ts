import { Command } from 'commander'
import { SECOND } from '../platform/time.ts'
import { Verification } from '../verification/verification.ts'
import { authorizationOf, tokenOption } from './credential.ts'
import { fromOne, fromZero } from './numbers.ts'
import { CommandError } from './output.ts'
import { reportTable } from './report.ts'
import { checkServed, urlsOption } from './server-url.ts'
import { type TransportChoice, transportOption, transportsOf } from './transport-option.ts'
import { notClean, streamsClosed } from './verdict.ts'

interface VerifyOptions {
  url: string[]
  connections: number
  transport: TransportChoice
  rate: number
  duration: number
  churn: number
  stall: number
  restartCmd?: string
  patience: number
  seed?: number
  token?: string
  json?: boolean
}

/** The command `verify`. */
export const verifyCommand = () =>
  new Command('verify')
    .description(
      'Prove that a deployment delivers every event once and in order: publish numbered events, read them on many streams while connections are cut and stalled, and keep a ledger.',
    )
    .addOption(urlsOption())
    .option('--connections <n>', 'streams, spread over the instances', fromOne, 200)
    .addOption(transportOption())
    .option('--rate <n>', 'events published per second', fromOne, 100)
    .option('--duration <s>', 'seconds of publishing', fromOne, 10)
    .option('--churn <n>', 'streams cut off per second', fromZero, 0)
    .option('--stall <n>', 'streams that stop reading every other second', fromZero, 0)
    .option('--restart-cmd <command>', 'shell command to run in the middle, such as one that restarts an instance')
    .option(
      '--patience <s>',
      'timeout in seconds for streams to open, and to receive the last events at the end',
      fromOne,
      60,
    )
    .option('--seed <n>', 'repeats the random choices of another run', fromZero)
    .addOption(tokenOption())
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
It publishes on channels of its own (verify.…) and uses only the public API. It exits with 1 when an acknowledged event is
missing on a stream, arrived twice, out of order, at another position or on a stream that does not follow its channel, when
a gap was announced, when an event was never acknowledged, and when the --restart-cmd failed.

Example:
  sse-update verify --url http://a:8080 --url http://b:8080 --connections 1000 --rate 200 --duration 60 --churn 20 --stall 50
  sse-update verify --transport mixed
`,
    )
    .action(verify)

async function verify(options: VerifyOptions): Promise<void> {
  await Promise.all(options.url.map(checkServed))
  const verification = new Verification({
    urls: options.url,
    connections: options.connections,
    transports: transportsOf(options.transport),
    rate: options.rate,
    timeout: options.patience * SECOND,
    headers: authorizationOf(options.token),
    ...(options.seed !== undefined && { seed: options.seed }),
  })
  await verification.start().catch((error) => {
    throw streamsClosed(error, options.url)
  })
  const showProgress = setInterval(() => progress(verification), SECOND)
  const { restarting } = await disturb(verification, options)
  clearInterval(showProgress)
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  const report = await verification.finish()
  const restart = await restarting
  console.log(options.json ? JSON.stringify({ ...report, ...(restart && { restart }) }) : reportTable(report))
  if (!report.isClean) throw notClean(report, verification.publisher.problem)
  if (restart && restart !== 'done')
    throw new CommandError(`--restart-cmd ${restart}: the run proves nothing about a restart.`)
}

/** Cuts, stalls and restarts as the options say, for the duration of the run. */
async function disturb(verification: Verification, { duration, churn, stall, restartCmd, patience }: VerifyOptions) {
  const start = performance.now()
  const stalled = verification.subscribers.slice(0, stall)
  let cuts = 0
  let restarting: Promise<string> | undefined
  for (let elapsed = 0; elapsed < duration; elapsed = (performance.now() - start) / SECOND) {
    for (; cuts < elapsed * churn; cuts++) verification.pick(1)[0]?.cut()
    // Each pauses every other second, and not all of them in the same one.
    for (const [index, subscriber] of stalled.entries()) {
      if (Math.floor(elapsed + index / stall) % 2 === 0) subscriber.pause()
      else subscriber.resume()
    }
    if (restartCmd !== undefined && restarting === undefined && elapsed >= duration / 2) {
      restarting = runRestart(restartCmd, patience * SECOND)
    }
    await Bun.sleep(20)
  }
  return { restarting }
}

/** Returns `done`, or what failed. */
async function runRestart(command: string, timeout: number): Promise<string> {
  // A process group of its own, so that the children of the shell can be ended with it.
  const child = Bun.spawn(['sh', '-c', command], { stdout: 'ignore', stderr: 'inherit', detached: true })
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), timeout)
  const code = await child.exited
  clearTimeout(timer)
  if (code === 0) return 'done'
  return child.signalCode === null ? `failed with exit code ${code}` : `did not end within ${timeout / SECOND} s`
}

function progress(verification: Verification): void {
  if (!process.stderr.isTTY) return
  const open = verification.subscribers.filter(({ isReady }) => isReady).length
  const { sent, acknowledged } = verification.publications
  const line = `published ${sent}  acknowledged ${acknowledged}  delivered ${verification.delivered}  open ${open}/${verification.subscribers.length}`
  process.stderr.write(`\r\u001b[K${line}`)
}
