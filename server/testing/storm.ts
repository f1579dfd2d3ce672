// A process of its own that opens connections and resets each at once, at a rate that the process of a test could not reach:
// bun server/testing/storm.ts <url> <connections a second> <seconds>. It writes a line of JSON with what it did.

import { sleep } from '../platform/time.ts'

const [url = '', perSecond = '10000', seconds = '10'] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const total = Number(perSecond) * Number(seconds)

let opened = 0
let refused = 0

const socket = {
  open(connection: { terminate(): void }) {
    opened++
    connection.terminate()
  },
  data() {},
}

const begin = performance.now()
let started = 0
while (started < total) {
  const due = Math.min(total, Math.ceil(((performance.now() - begin) / 1000) * Number(perSecond)))
  for (; started < due; started++) {
    Bun.connect({ hostname, port: Number(port), socket }).catch(() => refused++)
  }
  // Connections that are not open yet are not piled up.
  do await sleep(1)
  while (started - opened - refused > 1000)
}
while (opened + refused < total) await sleep(1)
process.stdout.write(`${JSON.stringify({ opened, refused, milliseconds: Math.round(performance.now() - begin) })}\n`)
