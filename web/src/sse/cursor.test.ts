import { describe, expect, test } from 'bun:test'
import { Place, positionOf } from './cursor.ts'

test('a cursor has the position that it begins with, whatever its form', () => {
  expect(['42-k3f9', '42', 42, 0, '', undefined, 'earliest', Number.NaN].map(positionOf)).toEqual([
    42, 42, 42, 0, -1, -1, -1, -1,
  ])
})

describe('a place', () => {
  test('keeps the text of the cursor', () => {
    const place = new Place('42-k3f9')
    expect([place.cursor, place.position]).toEqual(['42-k3f9', 42])
    expect(place.moveTo('43-k3f9')).toBe(true)
    expect([place.cursor, place.position]).toEqual(['43-k3f9', 43])
  })

  test('is unknown before the first cursor', () => {
    const place = new Place()
    expect([place.cursor, place.position]).toEqual([undefined, -1])
    expect(place.moveTo('0-a')).toBe(true)
    expect(place.cursor).toBe('0-a')
  })

  test('takes plain positions, which count as of the present log', () => {
    const place = new Place(7)
    expect([place.cursor, place.moveTo(7), place.moveTo(8), place.cursor]).toEqual(['7', false, true, '8'])
  })

  test('does not move back, nor to what is no cursor', () => {
    const place = new Place('42-a')
    expect([place.moveTo('41-b'), place.moveTo(''), place.moveTo('x'), place.cursor]).toEqual([
      false,
      false,
      false,
      '42-a',
    ])
    expect([new Place().moveTo('x'), new Place().moveTo('')]).toEqual([false, false])
  })

  test('takes a newer epoch at the same position, which is no news', () => {
    const place = new Place('42-a')
    expect([place.moveTo('42-b'), place.cursor]).toEqual([false, '42-b'])
  })

  test('starts over behind a gap, at a smaller position too', () => {
    const place = new Place('42-a')
    place.jumpTo('10-b')
    expect([place.cursor, place.position, place.moveTo('11-b')]).toEqual(['10-b', 10, true])
  })

  test('passes each event without a cursor once, and keeps the cursor to send back', () => {
    const place = new Place('42-a')
    expect([place.pass(42), place.pass(44), place.pass(44), place.pass(43)]).toEqual([false, true, false, false])
    expect([place.cursor, place.position]).toEqual(['42-a', 44])
    expect([place.moveTo('44-a'), place.cursor]).toEqual([false, '44-a'])
  })
})
