import { describe, expect, test } from 'bun:test'
import { Action, type ActionKind, type Outcome } from './action.ts'
import { formatTime, headlineOf, type Verdict, verdictOf, verdictSoFar } from './verdict.ts'

const outcome: Outcome = {
  events: 50,
  left: 0,
  missing: 0,
  duplicated: 0,
  reordered: 0,
  recovery: 1234,
  slowest: 3210,
}
const over = (kind: ActionKind, changes: Partial<Outcome> = {}, isLate = false) =>
  verdictOf(kind, false, isLate, { ...outcome, ...changes })

describe('the verdict on a lane', () => {
  test.each([
    ['burst', 'All 50 events, once and in order. The last came 1.2 s after it was published.'],
    ['cut', 'All 50 events, once and in order. Caught up 1.2 s after the network was back.'],
    ['outage', 'All 50 events, once and in order. Caught up 1.2 s after the server was back.'],
    ['end', 'All 50 events, once and in order. The slowest was 3.2 s late.'],
    ['hidden', 'All 50 events, once and in order. The slowest was 3.2 s late while nobody looked.'],
  ] as const)('says after %s that everything came, and when', (kind, text) => {
    expect(over(kind)).toEqual({ text, state: 'succeeded' })
  })

  test('says of a burst that arrived with its acknowledgement that it came at once', () => {
    expect(over('burst', { recovery: 0 }).text).toEndWith('The last came at once.')
  })

  test('names everything that is wrong, also while the action runs', () => {
    const wrong = { ...outcome, missing: 1, duplicated: 2, reordered: 3 }
    const verdict = { text: '1 event missing, 2 came twice, 3 came out of order.', state: 'failed' } as const
    expect(over('cut', wrong)).toEqual(verdict)
    expect(verdictOf('cut', true, false, wrong)).toEqual(verdict)
  })

  test('waits for what has not arrived, and gives up when it is late', () => {
    const behind = { recovery: undefined, left: 7 }
    expect(over('cut', behind)).toEqual({ text: '7 events still to come …', state: 'running' })
    expect(over('cut', behind, true)).toEqual({ text: '7 events had not come after 45 s.', state: 'failed' })
  })

  test('says what happens meanwhile', () => {
    const text = (kind: ActionKind, left: number) => verdictOf(kind, true, false, { ...outcome, left }).text
    expect([text('cut', 9), text('burst', 20), text('end', 1), text('cut', 0), text('outage', 4)]).toEqual([
      'Cut off: 9 events wait on the server.',
      '30 of 50 events are here.',
      '1 event to come.',
      'Nothing is outstanding.',
      'It tries to reconnect, again and again.',
    ])
  })

  test('is none when nothing was published', () => {
    expect(over('cut', { events: 0 })).toMatchObject({ state: 'none' })
  })
})

test('before the first action, the verdict on a lane needs evidence', () => {
  const clean = { missing: 0, duplicated: 0, reordered: 0 }
  expect([verdictSoFar(clean, 0), verdictSoFar(clean, 3), verdictSoFar({ ...clean, missing: 2 }, 3)]).toEqual([
    { text: 'Nothing has arrived yet.', state: 'none' },
    { text: 'Nothing lost, doubled or out of order so far.', state: 'none' },
    { text: '2 events missing.', state: 'failed' },
  ])
})

describe('the headline', () => {
  const lanes = (...states: Verdict['state'][]) => states.map((state): Verdict => ({ text: '', state }))
  const action = () => {
    const cut = new Action('cut', 0, 0)
    cut.join('a', outcome, -1)
    return cut
  }

  test('follows an action from its beginning to its end', () => {
    const cut = action()
    expect(headlineOf(cut, lanes('running'), 0)).toEqual({ text: 'Network cut for 5 s …', state: 'running' })
    cut.end(10, 1)
    expect(headlineOf(cut, lanes('running'), 20).text).toBe(
      'Network cut for 5 s: over. Waiting for every lane to catch up …',
    )
    cut.arrived('a', 0, 1, 30)
    expect(headlineOf(cut, lanes('succeeded'), 40)).toEqual({
      text: 'Network cut for 5 s: every lane has every event, once and in order.',
      state: 'succeeded',
    })
    expect(headlineOf(cut, lanes('none'), 40).state).toBe('none')
  })

  test('counts the lanes that failed', () => {
    expect(headlineOf(action(), lanes('failed', 'succeeded', 'failed'), 0)).toEqual({
      text: 'Network cut for 5 s: 2 lanes of 3 failed.',
      state: 'failed',
    })
  })
})

test('a time is in milliseconds below a second, and in seconds from there on', () => {
  expect([0.4, 999, 1000, 2340].map(formatTime)).toEqual(['0 ms', '999 ms', '1.0 s', '2.3 s'])
})
