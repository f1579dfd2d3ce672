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

/** Orders kept, of those that are there from the beginning. */
const GROWTH = 4
const RETRY = 2 * SECOND

export const demoCommand = () =>
  new Command('demo')
    .description('Fill a running server with a believable shop, and keep it busy until stopped.')
    .addOption(urlOption())
    .option('--rate <n>', 'things that happen a second, such as 0.5 or 20', aboveZero, 2)
    .option('--orders <n>', 'orders to begin with; four times as many are kept', fromZero, 40)
    .option('--duration <s>', 'stop by itself after this many seconds', fromOne)
    .option('--seed <n>', 'the same seed does the same things', fromOne)
    .addHelpText(
      'after',
      '\nOrders move, tasks start, people are told: open the dashboard and watch. It touches only the orders that it makes.\n',
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
  console.log(`The shop at ${url} is open: ${rate} things happen a second. Ctrl-C ends it.`)
  let isAway = false
  for (let due = performance.now(); !stopping.signal.aborted; due += SECOND / rate) {
    await sleep(due - performance.now(), stopping.signal)
    if (stopping.signal.aborted) break
    try {
      await shop.act()
      if (isAway) console.error('It answers again.')
      isAway = false
    } catch (error) {
      if (!isAway) printError(`The server does not answer as it should (${messageOf(error)}); trying again.`)
      isAway = true
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
