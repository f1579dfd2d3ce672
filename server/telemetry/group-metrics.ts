import { AggregatorRegistry, Counter, Gauge } from 'prom-client'
import type { Prometheus, Renderer, Samples } from './prometheus.ts'

/** How the processes of a group exchange their metrics. */
export interface MetricsExchange {
  /** @param report called whenever a process of the group is scraped */
  provide(report: () => Promise<Samples>): void
  /** The metrics of all processes, as they have reported them; `undefined` when they can't be had. */
  collect(): Promise<{ reports: unknown[]; restarts: number } | undefined>
}

/**
 * The metrics of all processes of a group, whichever of them is scraped. Each series has the label `process`: were they added up, a
 * restarted process would look like a reset of the sum, and all that the others had counted would count again. A process that does
 * not respond is missing, and so are all others when the supervisor does not respond.
 */
export function createGroupMetrics(own: Prometheus, exchange: MetricsExchange): Renderer {
  exchange.provide(() => own.collect())
  return {
    contentType: own.contentType,
    async render() {
      const collected = await exchange.collect()
      if (!collected) return own.render()
      // Reports are made by `provide`, above, in a process of the same program.
      const registry = AggregatorRegistry.aggregate(collected.reports as Samples[])
      addGroup(registry, collected.reports.length, collected.restarts)
      return registry.metrics()
    },
  }
}

function addGroup(
  registry: ReturnType<typeof AggregatorRegistry.aggregate>,
  processes: number,
  restarts: number,
): void {
  const registers = [registry]
  new Gauge({ name: 'sse_update_processes', help: 'Processes that serve the port', registers }).set(processes)
  const help = 'Processes that were started in place of one that had ended'
  new Counter({ name: 'sse_update_process_restarts_total', help, registers }).inc(restarts)
}
