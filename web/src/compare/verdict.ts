import { formatNumber } from '../ui/format.ts'
import { type Action, type ActionKind, type LedgerCounts, type Outcome, PATIENCE } from './action.ts'

/** A verdict in words, and how it is coloured. */
export interface Verdict {
  text: string
  state: 'none' | 'running' | 'succeeded' | 'failed'
}

/** A time as people say it, such as `40 ms` or `2.1 s`. @param ms milliseconds */
export const formatTime = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

const count = (number: number, noun: string) => `${formatNumber(number)} ${noun}${number === 1 ? '' : 's'}`

/** What an action has shown on one lane. @param isLate whether nothing more is waited for */
export function verdictOf(kind: ActionKind, isRunning: boolean, isLate: boolean, outcome: Outcome): Verdict {
  const wrongs = wrongsOf(outcome)
  if (wrongs) return { text: wrongs, state: 'failed' }
  if (isRunning) return { text: meanwhile(kind, outcome), state: 'running' }
  if (outcome.events === 0) return { text: 'Nothing was published meanwhile, so this proves nothing.', state: 'none' }
  if (outcome.recovery !== undefined)
    return { text: `${complete(outcome)} ${timing(kind, outcome)}`, state: 'succeeded' }
  if (isLate)
    return { text: `${count(outcome.left, 'event')} had not come after ${PATIENCE / 1000} s.`, state: 'failed' }
  return { text: `${count(outcome.left, 'event')} still to come …`, state: 'running' }
}

/** The verdict on a lane before the first action. @param received how many events have arrived */
export function verdictSoFar(counts: LedgerCounts, received: number): Verdict {
  const wrongs = wrongsOf(counts)
  if (wrongs) return { text: wrongs, state: 'failed' }
  if (received === 0) return { text: 'Nothing has arrived yet.', state: 'none' }
  return { text: 'Nothing lost, doubled or out of order so far.', state: 'none' }
}

/** What is wrong with a lane; empty when nothing is. */
function wrongsOf({ missing, duplicated, reordered }: LedgerCounts): string {
  const wrongs = [
    missing > 0 && `${count(missing, 'event')} missing`,
    duplicated > 0 && `${formatNumber(duplicated)} came twice`,
    reordered > 0 && `${formatNumber(reordered)} came out of order`,
  ].filter(Boolean)
  return wrongs.length > 0 ? `${wrongs.join(', ')}.` : ''
}

const complete = ({ events }: Outcome) =>
  events === 1 ? 'The event came once.' : `All ${formatNumber(events)} events, once and in order.`

function meanwhile(kind: ActionKind, { events, left }: Outcome): string {
  if (kind === 'burst') return `${formatNumber(events - left)} of ${count(events, 'event')} are here.`
  if (kind === 'outage') return 'It tries to reconnect, again and again.'
  if (left === 0) return 'Nothing is outstanding.'
  return kind === 'cut' ? `Cut off: ${count(left, 'event')} wait on the server.` : `${count(left, 'event')} to come.`
}

function timing(kind: ActionKind, { recovery = 0, slowest }: Outcome): string {
  switch (kind) {
    case 'burst':
      return recovery < 50 ? 'The last came at once.' : `The last came ${formatTime(recovery)} after it was published.`
    case 'cut':
      return `Caught up ${formatTime(recovery)} after the network was back.`
    case 'outage':
      return `Caught up ${formatTime(recovery)} after the server was back.`
    case 'end':
      return `The slowest was ${formatTime(slowest)} late.`
    case 'hidden':
      return `The slowest was ${formatTime(slowest)} late while nobody looked.`
  }
}

const NAMES: Record<ActionKind, string> = {
  burst: 'Burst',
  cut: 'Network cut for 5 s',
  end: 'All connections ended by the server',
  outage: 'Server unreachable',
  hidden: 'Tab hidden',
}

/** What an action has shown on all lanes. @param now milliseconds since the epoch */
export function headlineOf(action: Action, verdicts: readonly Verdict[], now: number): Verdict {
  const name = NAMES[action.kind]
  const wrong = verdicts.filter(({ state }) => state === 'failed').length
  if (wrong > 0) return { text: `${name}: ${count(wrong, 'lane')} of ${verdicts.length} failed.`, state: 'failed' }
  if (action.isRunning) return { text: `${name} …`, state: 'running' }
  if (!action.isSettled(now)) return { text: `${name}: over. Waiting for every lane to catch up …`, state: 'running' }
  if (verdicts.some(({ state }) => state === 'none')) {
    return { text: `${name}: nothing was published meanwhile.`, state: 'none' }
  }
  return { text: `${name}: every lane has every event, once and in order.`, state: 'succeeded' }
}
