import { Command } from 'commander'
import { SECOND } from '../platform/time.ts'
import { Verification } from '../verification/verification.ts'
import { fromOne, fromZero } from './numbers.ts'
import { CommandError } from './output.ts'
import { reportTable } from './report.ts'
import { checkServed, urlOption } from './server-url.ts'

interface BenchOptions {
  url: string
  streams: number
  stalled: number
  rate: number
  duration: number
  size: number
}

/** The command `bench`. */
export const benchCommand = () =>
  new Command('bench')
    .description(
      'Measure a running server: open streams on one channel, publish at a rate, check and time the events on each.',
    )
    .addOption(urlOption())
    .option('--streams <n>', 'streams that read', fromOne, 1000)
    .option('--stalled <n>', 'further streams that never read', fromZero, 0)
    .option('--rate <n>', 'events published a second', fromOne, 500)
    .option('--duration <s>', 'seconds', fromOne, 10)
    .option('--size <bytes>', "bytes of an event's data", fromOne, 60)
    .addHelpText('after', '\nRun it on another machine than the server to measure the server alone.\n')
    .action(bench)

async function bench({ url, streams, stalled, rate, duration, size }: BenchOptions): Promise<void> {
  await checkServed(url)
  const verification = new Verification({ urls: [url], connections: streams + stalled, rate, channels: 1, size })
  await verification.start().catch((error) => {
    throw new CommandError(`The streams do not open: ${error.message}. Is a server running at ${url}?`)
  })
  verification.setAside(stalled)
  await Bun.sleep(duration * SECOND)
  const report = await verification.finish()
  console.log(reportTable(report))
  if (!report.isClean) throw new CommandError('Not every stream received every event once and in order.')
}
