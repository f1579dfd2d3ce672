import { type Accessor, createSignal, onCleanup } from 'solid-js'
import { isOperator } from '../live/access.ts'
import { api, ask } from '../live/api.ts'
import { randomId } from '../sse/random-id.ts'
import { CompareSession, DISRUPTION, FIRST_RATE } from './compare-session.ts'
import type { Figures } from './figures.ts'
import type { Lane } from './lane.ts'
import { hasSixConnections, holdLock } from './other-tab.ts'
import { readStartingPoint } from './starting-point.ts'

/** Milliseconds between two readings of the figures. */
const FIGURES_INTERVAL = 250
/** Milliseconds without any action after which the steady rate ends: a forgotten tab would publish for ever. */
const IDLE = 10 * 60_000

/** The page as it shows itself. */
export interface Compare {
  /** Channel of the numbered events: each page has its own. */
  channel: string
  /** The lanes; empty before the start. */
  lanes: Accessor<readonly Lane[]>
  /** The figures; `undefined` before the start. */
  figures: Accessor<Figures | undefined>
  isStarting: Accessor<boolean>
  /** Whether it ran before. */
  hasRun: () => boolean
  /** Why it did not start, or why an action failed; empty when it did not fail. */
  error: Accessor<string>
  /** Whether another tab compares, too, and takes connections away. */
  isCrowded: Accessor<boolean>
  /** Whether the server ends connections for this page (LAB). */
  hasFaults: Accessor<boolean>
  /** Events a second. */
  rate: Accessor<number>
  setRate: (rate: number) => void
  start: () => Promise<void>
  stop: () => void
  /** Publishes events at once. */
  burst: (count: number) => void
  /** Takes the network from all lanes for five seconds. */
  cut: () => void
  /** Lets the server end every stream. */
  endConnections: () => Promise<void>
}

/** Creates a comparison whose connections are closed with its owner. */
export function createCompare(): Compare {
  const channel = `compare.${randomId().slice(0, 8)}`
  const [session, setSession] = createSignal<CompareSession>()
  const [figures, setFigures] = createSignal<Figures>()
  const [isStarting, setIsStarting] = createSignal(false)
  const [error, setError] = createSignal('')
  const [isCrowded, setIsCrowded] = createSignal(false)
  const [hasFaults, setHasFaults] = createSignal(false)
  const [rate, setRate] = createSignal(FIRST_RATE)
  let release = () => {}
  let usedAt = 0

  const use = () => {
    usedAt = Date.now()
    setError('')
    return session()
  }
  const changeRate = (value: number) => {
    setRate(value)
    session()?.setRate(value)
  }
  const rest = () => {
    if (!session() || rate() === 0 || Date.now() - usedAt < IDLE) return
    changeRate(0)
    setError('Nothing was done here for ten minutes: the steady rate is 0 now.')
  }

  const read = () => {
    session()?.tick()
    rest()
    setFigures(session()?.figures())
  }
  const stop = () => {
    release()
    session()?.close()
    setSession(undefined)
    setFigures(undefined)
    setIsCrowded(false)
  }
  const timer = setInterval(read, FIGURES_INTERVAL)
  watchVisibility(session)
  onCleanup(() => {
    clearInterval(timer)
    stop()
  })

  return {
    channel,
    lanes: () => session()?.lanes ?? [],
    figures,
    isStarting,
    hasRun: () => usedAt > 0,
    error,
    isCrowded,
    rate,
    hasFaults,
    setRate(value) {
      use()
      changeRate(value)
    },
    async start() {
      setIsStarting(true)
      use()
      try {
        const started = new CompareSession(channel, await readStartingPoint(channel))
        started.setRate(rate())
        setSession(started)
        void readFaults().then(setHasFaults)
        release = holdLock(() => setIsCrowded(hasSixConnections()))
        read()
      } catch (problem) {
        setError((problem as Error).message)
      }
      setIsStarting(false)
    },
    stop,
    burst(count) {
      use()?.burst(count)
      read()
    },
    cut() {
      use()?.cut()
      read()
    },
    async endConnections() {
      use()?.begin('end', DISRUPTION)
      await ask(api.lab.faults.post({ fault: 'disconnect-streams' })).catch((problem: Error) =>
        setError(problem.message),
      )
      read()
    },
  }
}

/** Tells a comparison when the tab is hidden, and when it is visible again. */
function watchVisibility(session: Accessor<CompareSession | undefined>): void {
  const onChange = () => {
    const isHidden = document.visibilityState === 'hidden'
    if (isHidden && session()?.isBusy === false) session()?.begin('hidden')
    else if (!isHidden) session()?.end('hidden')
  }
  document.addEventListener('visibilitychange', onChange)
  onCleanup(() => document.removeEventListener('visibilitychange', onChange))
}

/** Whether the server causes faults for this user. */
const readFaults = async (): Promise<boolean> =>
  isOperator() &&
  (await ask(api.cluster.get()).then(
    ({ settings }) => settings.lab,
    () => false,
  ))
