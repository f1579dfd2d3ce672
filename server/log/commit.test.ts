import { describe, expect, test } from 'bun:test'
import type { NewEvent } from '../protocol/event.ts'
import { type AppendReport, toCommit } from './commit.ts'

const TIME = new Date(2000)
const BEFORE = new Date(1000)

const events = (...datas: string[]): NewEvent[] =>
  datas.map((data) => ({ channel: 'a', type: 't', data, origin: 'page-1', key: null }))

const report = (positions: number[], positionBefore: number | null): AppendReport => ({
  positions,
  epoch: 'e1',
  time: TIME,
  positionBefore,
  timeBefore: BEFORE,
})

/** Position and data of the events of a commit. */
const contents = (commit: ReturnType<typeof toCommit>) => commit?.events.map(({ position, data }) => [position, data])

describe('a commit', () => {
  test('holds the events as a read returns them', () => {
    expect(toCommit(events('1', '{ "a":  1 }'), report([7, 8], 6))).toEqual({
      position: 6,
      timeBefore: BEFORE,
      epoch: 'e1',
      events: [
        { position: 7, channel: 'a', type: 't', data: '1', time: TIME, origin: 'page-1' },
        { position: 8, channel: 'a', type: 't', data: '{ "a":  1 }', time: TIME, origin: 'page-1' },
      ],
    })
  })

  test('leaves out events whose key was used before, in the log or in the same append', () => {
    expect(contents(toCommit(events('1', '2', '3', '4'), report([7, 3, 7, 8], 6)))).toEqual([
      [7, '1'],
      [8, '4'],
    ])
  })

  test('of nothing new, or of positions with a hole, must be read', () => {
    expect(toCommit(events('1'), report([3], 6))).toBeUndefined()
    expect(toCommit(events('1', '2'), report([7, 9], 6))).toBeUndefined()
    expect(toCommit(events('1'), report([8], 6))).toBeUndefined()
    expect(toCommit(events('1'), report([3], null))).toBeUndefined()
  })

  test('has texts as UTF-8 carries them to Postgres and back', () => {
    expect(contents(toCommit(events('"é\ud83d\ude00\ud800"'), report([7], 6)))).toEqual([[7, '"é\ud83d\ude00\ufffd"']])
  })
})
