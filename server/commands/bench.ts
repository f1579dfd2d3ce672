import { Command } from 'commander'
import { SECOND } from '../platform/time.ts'
import { Verification } from '../verification/verification.ts'
import { authorizationOf, tokenOption } from './credential.ts'
import { fromOne, fromZero } from './numbers.ts'
import { reportTable } from './report.ts'
import { checkServed, urlOption } from './server-url.ts'
import { type TransportChoice, transportOption, transportsOf } from './transport-option.ts'
import { notClean, streamsClosed } from './verdict.ts'

interface BenchOptions {
  url: string
  streams: number
  transport: TransportChoice
  stalled: number
  rate: number
  duration: number
  size: number
  token?: string
}

/** The command `bench`. */
export const benchCommand = () =>
  new Command('bench')
    .description(
      'Measure a running server: open streams on one channel, publish at a rate, check and time the events on each.',
    )
    .addOption(urlOption())
    .addOption(tokenOption())
    .option('--streams <n>', 'streams that read', fromOne, 1000)
    .addOption(transportOption())
    .option('--stalled <n>', 'further streams that never read', fromZero, 0)
    .option('--rate <n>', 'events published per second', fromOne, 500)
    .option('--duration <s>', 'seconds', fromOne, 10)
    .option('--size <bytes>', "bytes of an event's data", fromOne, 60)
    .addHelpText('after', '\nRun it on another machine than the server to measure the server alone.\n')
    .action(bench)

async function bench({ url, streams, transport, stalled, rate, duration, size, token }: BenchOptions): Promise<void> {
  await checkServed(url)
  const verification = new Verification({
    urls: [url],
    connections: streams + stalled,
    transports: transportsOf(transport),
    rate,
    channels: 1,
    size,
    headers: authorizationOf(token),
  })
  await verification.start().catch((error) => {
    throw streamsClosed(error, [url])
  })
  const stuck = verification.subscribers.slice(0, stalled)
  for (const subscriber of stuck) subscriber.pause()
  verification.setAside(stuck)
  await Bun.sleep(duration * SECOND)
  const report = await verification.finish()
  console.log(reportTable(report))
  if (!report.isClean) throw notClean(report, verification.publisher.problem)
}
