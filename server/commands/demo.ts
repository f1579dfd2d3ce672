import { Command } from 'commander'
import { messageOf } from '../platform/errors.ts'
import { createRandom } from '../platform/random.ts'
import { SECOND, sleep } from '../platform/time.ts'
import { Demo } from '../shop/demo/demo.ts'
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
    .option('--rate <n>', 'actions per second, such as 0.5 or 20', aboveZero, 2)
    .option('--orders <n>', 'orders at the start; up to four times as many are kept', fromZero, 40)
    .option('--duration <s>', 'stop after this many seconds', fromOne)
    .option('--seed <n>', 'repeats the random choices of another run', fromOne)
    .addHelpText(
      'after',
      '\nIt creates and moves orders, starts tasks and sends notifications, which the dashboard shows live. It changes only\norders that it has created.\n',
    )
    .action(demo)

async function demo({ url, rate, orders, duration, seed }: DemoCommandOptions): Promise<void> {
  const stopping = new AbortController()
  void stopRequested().then(() => stopping.abort())
  if (duration !== undefined) setTimeout(() => stopping.abort(), duration * SECOND)
  const shop = new Demo({ url, random: createRandom(seed ?? Date.now()), keep: GROWTH * Math.max(orders, 10) })
  await shop.open(orders).catch((error) => {
    throw new CommandError(`No shop at ${url}: ${messageOf(error)}. Is the server running? Choose another with --url.`)
  })
  console.log(`The shop at ${url} is open, with ${rate} actions per second. Stop it with Ctrl-C.`)
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
