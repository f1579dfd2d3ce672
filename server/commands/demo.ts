import { Command } from 'commander'
import { messageOf } from '../platform/errors.ts'
import { createRandom } from '../platform/random.ts'
import { withoutPassword } from '../platform/redact.ts'
import { SECOND, sleep } from '../platform/time.ts'
import { Demo, DemoError } from '../shop/demo/demo.ts'
import { authorizationOf, CREDENTIAL_HINT, tokenOption } from './credential.ts'
import { aboveZero, fromOne, fromZero } from './numbers.ts'
import { CommandError, printError } from './output.ts'
import { urlOption } from './server-url.ts'
import { stopRequested } from './stop-signal.ts'

interface DemoCommandOptions {
  url: string
  rate: number
  orders: number
  duration?: number
  seed?: number
  token?: string
}

/** How many times the initial number of orders is kept. */
const GROWTH = 4
/** Milliseconds between attempts while the server does not respond. */
const RETRY = 2 * SECOND

/** `sse-update demo`. */
export const demoCommand = () =>
  new Command('demo')
    .description('Fill a running server with the data of a shop, and simulate its business until stopped.')
    .addOption(urlOption())
    .addOption(tokenOption())
    .option('--rate <n>', 'actions per second, such as 0.5 or 20', aboveZero, 2)
    .option('--orders <n>', 'orders at the start; up to four times as many are kept', fromZero, 40)
    .option('--duration <s>', 'stop after this many seconds', fromOne)
    .option('--seed <n>', 'repeats the random choices of another run', fromOne)
    .addHelpText(
      'after',
      '\nIt creates and moves orders, starts tasks and sends notifications, which the dashboard shows live. It changes only\norders that it has created.\n',
    )
    .action(demo)

async function demo({ url, rate, orders, duration, seed, token }: DemoCommandOptions): Promise<void> {
  const stopping = new AbortController()
  void stopRequested().then(() => stopping.abort())
  if (duration !== undefined) setTimeout(() => stopping.abort(), duration * SECOND)
  const shop = new Demo({
    url,
    headers: authorizationOf(token),
    random: createRandom(seed ?? Date.now()),
    keep: GROWTH * Math.max(orders, 10),
  })
  await shop.open(orders).catch((error) => {
    throw noShop(url, error)
  })
  console.log(`The shop at ${withoutPassword(url)} is open, with ${rate} actions per second. Stop it with Ctrl-C.`)
  let isUnavailable = false
  for (let due = performance.now(); !stopping.signal.aborted; due += SECOND / rate) {
    await sleep(due - performance.now(), stopping.signal)
    if (stopping.signal.aborted) break
    try {
      await shop.act()
      if (isUnavailable) console.error('The server responds again.')
      isUnavailable = false
    } catch (error) {
      if (!isUnavailable) printError(`The server failed to respond (${messageOf(error)}); trying again.`)
      isUnavailable = true
      await sleep(RETRY, stopping.signal)
      due = performance.now()
    }
  }
  console.log(
    Object.entries(shop.tally)
      .map(([what, count]) => `${count} ${what}`)
      .join(', '),
  )
}

function noShop(url: string, error: unknown): CommandError {
  const problem = `No shop at ${withoutPassword(url)}: ${messageOf(error)}`
  if (error instanceof DemoError && error.status === 401) return new CommandError(`${problem}\n${CREDENTIAL_HINT}`)
  if (error instanceof DemoError && error.status === 403)
    return new CommandError(`${problem}\nThe demo acts as an operator.`)
  return new CommandError(`${problem}. Is the server running? Choose another with --url.`)
}
