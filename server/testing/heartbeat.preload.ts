// Preloaded into the process of a server: monitors its event loop and reports delays on standard error.

const INTERVAL = 10

// On SIGUSR2, after a heartbeat that is due: what was late before is reported by then.
process.on('SIGUSR2', () => setTimeout(() => process.stderr.write('heartbeat fence\n'), 2 * INTERVAL))

let last = performance.now()
let lastCpu = process.cpuUsage()

setInterval(() => {
  const now = performance.now()
  const { user, system } = process.cpuUsage(lastCpu)
  // Time that other processes took does not count.
  const held = Math.min(now - last - INTERVAL, (user + system) / 1000)
  if (held > 20) process.stderr.write(`heartbeat late by ${Math.round(held)} ms\n`)
  last = now
  lastCpu = process.cpuUsage()
}, INTERVAL).unref()
