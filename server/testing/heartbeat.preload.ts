// Preloaded into the process of a server: watches its event loop, and reports on standard error what held it.

const INTERVAL = 10

// On SIGUSR2, after a heartbeat that is due: what was late before is reported by then.
process.on('SIGUSR2', () => setTimeout(() => process.stderr.write('heartbeat fence\n'), 2 * INTERVAL))

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
