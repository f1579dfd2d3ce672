import { describe, expect, test } from 'bun:test'
import { Arrivals } from './arrivals.ts'
import { drawPicture, placeOf, shownNumbers } from './picture.ts'

/** Three columns and four rows. */
const size = { width: 23, height: 28 }
const colours = { fresh: 'fresh', settled: 'settled', awaited: 'awaited', bad: 'bad' }

/** Draws at a time; returns the squares that were drawn, and whether another frame is due. */
function draw(arrivals: Arrivals, now: number, isStill = false) {
  const squares: [colour: string, y: number][] = []
  const context = {
    fillStyle: '',
    clearRect: () => squares.splice(0),
    fillRect: (_x: number, y: number) => squares.push([context.fillStyle, y]),
  }
  const isMoving = drawPicture(context as unknown as CanvasRenderingContext2D, arrivals, size, colours, now, isStill)
  return { squares, isMoving, colours: squares.map(([colour]) => colour) }
}

describe('the picture of a lane', () => {
  test('fills row by row from the bottom, and begins at the bottom again', () => {
    const ys = [0, 2, 3, 11, 12].map((n) => placeOf(n, size).y)
    expect(ys).toEqual([21, 21, 14, 0, 21])
    expect(placeOf(4, size).x - placeOf(3, size).x).toBe(7)
  })

  test('shows what fits, with the next row left free', () => {
    expect([shownNumbers(5, size), shownNumbers(12, size), shownNumbers(14, size), shownNumbers(15, size)]).toEqual([
      { first: 0, end: 5 },
      { first: 6, end: 12 },
      { first: 6, end: 14 },
      { first: 9, end: 15 },
    ])
  })

  test('lets an event fall to its place, glow and settle', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(0, 1000)
    const begin = draw(arrivals, 1000)
    expect(begin.colours).toEqual(['awaited', 'fresh'])
    expect(begin.squares[1]?.[1]).toBeLessThan(0)
    expect(begin.isMoving).toBe(true)
    const landed = draw(arrivals, 1900)
    expect([landed.squares, landed.isMoving]).toEqual([[['fresh', 21]], true])
    const settled = draw(arrivals, 5000)
    expect([settled.squares, settled.isMoving]).toEqual([[['settled', 21]], false])
  })

  test('shows what is awaited, missing and doubled, without motion', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(1, 1)
    arrivals.arrive(1, 2)
    arrivals.publish(3)
    const { colours, isMoving } = draw(arrivals, 10)
    expect([colours, isMoving]).toEqual([['bad', 'bad', 'awaited'], false])
  })

  test('stands still for people who want less motion', () => {
    const arrivals = new Arrivals()
    arrivals.arrive(0, 1000)
    const { squares, isMoving } = draw(arrivals, 1001, true)
    expect([squares, isMoving]).toEqual([[['settled', 21]], false])
  })
})
