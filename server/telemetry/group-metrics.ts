import { type Prometheus, type Renderer, renderGroup, type Samples } from './prometheus.ts'

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
      return renderGroup(collected.reports as Samples[], collected.restarts)
    },
  }
}
