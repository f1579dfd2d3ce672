// One process of readers of `fan-out.bench.ts`: opens streams as it is asked to on stdin, and reports on stdout.
//
// Lines of stdin: a JSON array of URLs to open; `report`, which prints a `ReaderReport`; `reset`, from
// which the next reports count. When all are open it prints `open`.

import { createInterface } from 'node:readline'
import { Histogram } from '../protocol/histogram.ts'
import { ByteSocket, getRequest } from './byte-socket.ts'

/** What one process of readers has received since it was reset. */
export interface ReaderReport {
  /** Events, on all streams together. */
  events: number
  /** Milliseconds from the intended time of sending to the receipt, of the first event of each read. */
  latency: { p50: number; p99: number; max: number }
  /** Median of the milliseconds by which the slowest tenth of the streams lags behind the others: whether the tail is shared. */
  slowestTenth: number
  /** Streams that were closed. */
  closed: number
}

const STAMP = Buffer.from('"sent":')
const END = Buffer.from('\n\n')
const READY = Buffer.from('event: ready')
const NONE = Buffer.alloc(0)

let histogram = new Histogram()
let events = 0
let closed = 0
/** Sum and count of latencies by stream. */
const perStream: { sum: number; count: number }[] = []

/** Now, comparable between the processes of one machine. */
const now = () => performance.timeOrigin + performance.now()

/** Opens a stream; resolves when it is ready. */
function open(url: string): Promise<void> {
  const ready = Promise.withResolvers<void>()
  const own = { sum: 0, count: 0 }
  perStream.push(own)
  let rest: Buffer = NONE
  const socket = new ByteSocket({
    url: new URL(url),
    onBytes(bytes) {
      const time = now()
      const chunk =
        rest.length === 0 ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Buffer.concat([rest, bytes])
      const end = chunk.lastIndexOf(END)
      rest = end + END.length === chunk.length ? NONE : Buffer.from(chunk.subarray(Math.max(0, end)))
      if (own.count === 0 && chunk.includes(READY)) ready.resolve()
      const first = chunk.indexOf(STAMP)
      for (let at = first; at !== -1 && at < end; at = chunk.indexOf(STAMP, at + 1)) events++
      if (first === -1 || first > end) return
      const latency =
        time - Number.parseFloat(chunk.toString('latin1', first + STAMP.length, first + STAMP.length + 20))
      histogram.record(latency)
      own.sum += latency
      own.count++
    },
    onClose: () => closed++,
  })
  socket.send(getRequest(new URL(url), { accept: 'text/event-stream' }))
  return ready.promise
}

function report(): ReaderReport {
  const means = perStream
    .filter(({ count }) => count > 0)
    .map(({ sum, count }) => sum / count)
    .sort((a, b) => a - b)
  const at = (fraction: number) => means[Math.floor((means.length - 1) * fraction)] ?? 0
  const latency = { p50: histogram.percentile(0.5), p99: histogram.percentile(0.99), max: histogram.max }
  return { events, latency, slowestTenth: at(0.95) - at(0.5), closed }
}

function reset(): void {
  histogram = new Histogram()
  events = 0
  for (const own of perStream) own.sum = own.count = 0
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'report') console.log(JSON.stringify(report()))
  else if (line === 'reset') {
    reset()
    console.log('reset')
  } else {
    const urls: string[] = JSON.parse(line)
    while (urls.length > 0) await Promise.all(urls.splice(0, 200).map(open))
    console.log('open')
  }
}
process.exit(0)
