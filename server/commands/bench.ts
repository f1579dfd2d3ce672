import { Command, InvalidArgumentError } from 'commander'
import { type LoadResult, runLoad } from '../verification/load.ts'
import { CommandError } from './output.ts'
import { urlOption } from './server-url.ts'

interface BenchOptions {
  url: string
  streams: number
  rate: number
  duration: number
  size: number
}

export const benchCommand = () =>
  new Command('bench')
    .description('Measure a running server: open streams, publish at a rate, and check and time what each receives.')
    .addOption(urlOption())
    .option('--streams <n>', 'streams, all on one channel', positive, 1000)
    .option('--rate <n>', 'events published a second', positive, 500)
    .option('--duration <s>', 'seconds', positive, 10)
    .option('--size <bytes>', "bytes of an event's data", positive, 60)
    .addHelpText('after', '\nRun it on another machine than the server for figures of the server alone.\n')
    .action(async (options: BenchOptions) => {
      const result = await runLoad({ ...options, duration: options.duration * 1000 }).catch((error) => {
        throw new CommandError(`The measurement failed: ${error.message}`)
      })
      console.log(report(options, result))
      if (result.missing + result.doubled + result.reordered > 0)
        throw new CommandError('Not every stream received every event once and in order.')
    })

function positive(value: string): number {
  const number = Number(value)
  if (number > 0) return number
  throw new InvalidArgumentError('It is a number above 0.')
}

function report({ streams, rate }: BenchOptions, result: LoadResult): string {
  const { published, delivered, elapsed, latency } = result
  const perSecond = (count: number) => `${Math.round(count / (elapsed / 1000)).toLocaleString('en')}/s`
  const rows = [
    ['streams', String(streams)],
    ['published', `${published.toLocaleString('en')}  (${perSecond(published)}, wanted ${rate}/s)`],
    ['delivered', `${delivered.toLocaleString('en')}  (${perSecond(delivered)})`],
    ['latency p50', `${latency.percentile(0.5).toFixed(1)} ms from the request to the receipt`],
    ['latency p99', `${latency.percentile(0.99).toFixed(1)} ms`],
    ['latency max', `${latency.max.toFixed(1)} ms`],
    ['missing', String(result.missing)],
    ['doubled', String(result.doubled)],
    ['reordered', String(result.reordered)],
  ]
  return rows.map(([name = '', value]) => `${name.padEnd(12)} ${value}`).join('\n')
}
