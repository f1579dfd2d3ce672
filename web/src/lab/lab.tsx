import { createMemo, type JSX, Show } from 'solid-js'
import { createCluster } from '../cluster/create-cluster.ts'
import { access } from '../live/session.ts'
import { ForOperators } from '../shell/restricted.tsx'
import { type Addresses, addressesFor, canChooseInstance } from './addresses.ts'
import { BurstForm } from './burst-form.tsx'
import { createLab } from './create-lab.ts'
import { Faults } from './faults.tsx'
import { Ledger } from './ledger.tsx'
import { type InstancePort, OpenForm } from './open-form.tsx'
import { StreamList } from './stream-list.tsx'

/** The page of the lab: opens many streams, breaks them, and shows that no event was lost. */
export default function LabPage(): JSX.Element {
  return (
    <ForOperators title="Connection lab">
      <LabTools />
    </ForOperators>
  )
}

/** The instances that streams can be opened at; none where they have no addresses of their own. */
const choiceOf = (instances: readonly { name: string; url: string }[], addresses: Addresses): InstancePort[] =>
  instances.flatMap(({ name, url }) => {
    const address = URL.parse(url)
    return address && canChooseInstance(addresses) ? [{ name, port: address.port }] : []
  })

const isSameChoice = (one: readonly InstancePort[], other: readonly InstancePort[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

function LabTools(): JSX.Element {
  const { view, error } = createCluster()
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const isAllowed = () => view()?.settings.lab
  // The cookie of a session is sent to the name of this page alone.
  const hasOtherNames = () => (isAllowed() ?? false) && access().name === 'anonymous'
  const addresses = createMemo(() =>
    addressesFor(new URL(location.href), entry?.nextHopProtocol ?? '', hasOtherNames()),
  )
  const lab = createLab(addresses)
  // Other options would reset what was chosen: there are new ones only when the instances have changed.
  const instances = createMemo(() => choiceOf(view()?.instances ?? [], addresses()), [], { equals: isSameChoice })
  return (
    <>
      <div class="page-title">
        <h1>Connection lab</h1>
        <p class="muted">
          Open many streams, send bursts, break things, and watch the ledger: every event once, in order.
        </p>
      </div>
      {/* How many streams there can be depends on what the server allows. */}
      <Show when={view() || error()} fallback={<div class="skeleton" role="status" aria-label="Loading" />}>
        <div class="lab-controls">
          <OpenForm lab={lab} addresses={addresses()} instances={instances()} />
          <BurstForm lab={lab} />
          <Faults lab={lab} isAllowed={isAllowed()} />
        </div>
      </Show>
      <p class="result" aria-live="polite">
        {lab.message()}
      </p>
      <Ledger figures={lab.figures()} onReset={lab.resetLatencies} />
      <StreamList streams={lab.figures().streams} />
    </>
  )
}
