import { numberAt, type ScannedFrame } from './frame-scanner.ts'
import { Histogram } from './histogram.ts'
import { Publications, StreamLedger } from './ledger.ts'
import { StreamSocket } from './stream-socket.ts'

export interface LoadOptions {
  /** Server to load. */
  url: string
  streams: number
  /** Events published a second. */
  rate: number
  /** Milliseconds of publishing that are measured. */
  duration: number
  /** Bytes of an event's data, about. */
  size: number
}

export interface LoadResult {
  published: number
  delivered: number
  /** Milliseconds from the first publication to the last receipt. */
  elapsed: number
  missing: number
  doubled: number
  reordered: number
  latency: Histogram
}

/** How long all streams may take to open, and to receive what is left at the end. */
const PATIENCE = 30_000
/** Publications are sent this often: many a second make a batch, as busy applications do. */
const SEND_INTERVAL = 2

/** Opens streams on one channel, publishes numbered events at a rate, and checks what each stream receives. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const channel = `bench.${crypto.randomUUID()}`
  const publications = new Publications()
  const sentAt: number[] = []
  const latency = new Histogram()
  const ledgers = Array.from({ length: options.streams }, () => new StreamLedger())
  let open = 0
  let delivered = 0
  const onFrame = (ledger: StreamLedger) => (frame: ScannedFrame) => {
    if (frame.event === 'ready') {
      ledger.begin(frame.id)
      open++
    } else if (frame.event === 'bench') {
      const n = numberAt(frame.text, frame.text.indexOf('"n":') + 4)
      ledger.receive(n, frame.id)
      latency.record(performance.now() - (sentAt[n] as number))
      delivered++
    }
  }
  const url = `${options.url}/events?channel=${channel}`
  const problems: string[] = []
  const sockets = ledgers.map(
    (ledger) => new StreamSocket({ url, onFrame: onFrame(ledger), onClose: (problem) => problems.push(problem) }),
  )
  await until(() => open === options.streams || problems.length > 0)
  if (open < options.streams)
    throw new Error(`${open} of ${options.streams} streams opened: ${problems[0] ?? 'no answer'}`)

  const start = performance.now()
  await publishAtRate(options, channel, publications, sentAt)
  await until(() => delivered >= publications.acknowledged * options.streams)
  const elapsed = performance.now() - start
  for (const socket of sockets) socket.close()

  const findings = ledgers.map((ledger) => ledger.findings(publications))
  const total = (key: 'missing' | 'doubled' | 'reordered') => findings.reduce((sum, each) => sum + each[key], 0)
  return {
    published: publications.acknowledged,
    delivered,
    elapsed,
    missing: total('missing'),
    doubled: total('doubled'),
    reordered: total('reordered'),
    latency,
  }
}

/** Sends what is due every few milliseconds, an event a request; waits for all answers at the end. */
async function publishAtRate(
  { url, rate, duration, size }: LoadOptions,
  channel: string,
  publications: Publications,
  sentAt: number[],
) {
  const padding = 'x'.repeat(Math.max(0, size - 20))
  const pending = new Set<Promise<void>>()
  const start = performance.now()
  for (let elapsed = 0; elapsed < duration; elapsed = performance.now() - start) {
    while (publications.sent < (elapsed / 1000) * rate) {
      const n = publications.next()
      sentAt[n] = performance.now()
      const request = publishOne(url, channel, n, padding).then((position) => publications.acknowledge(n, position))
      pending.add(request)
      void request.finally(() => pending.delete(request))
    }
    await Bun.sleep(SEND_INTERVAL)
  }
  await Promise.all(pending)
}

async function publishOne(url: string, channel: string, n: number, padding: string): Promise<number> {
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"channel":"${channel}","type":"bench","data":{"n":${n},"x":"${padding}"}}`,
  })
  if (response.status !== 201) throw new Error(`publishing failed: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { position: number }).position
}

/** Resolves when the condition holds, or when nobody waits any longer: then what is missing shows in the result. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (!condition() && performance.now() < deadline) await Bun.sleep(5)
}
