// Preloaded into the process of a server: watches its event loop, and reports on standard error what held it.

const INTERVAL = 10

let last = performance.now()
let lastCpu = process.cpuUsage()

setInterval(() => {
  const now = performance.now()
  const { user, system } = process.cpuUsage(lastCpu)
  // What other processes of the machine took is not the server's.
  const held = Math.min(now - last - INTERVAL, (user + system) / 1000)
  if (held > 20) process.stderr.write(`heartbeat late by ${Math.round(held)} ms\n`)
  last = now
  lastCpu = process.cpuUsage()
}, INTERVAL).unref()
