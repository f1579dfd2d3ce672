import type { Arrivals, Mark } from './arrivals.ts'

/** Milliseconds for which an event falls to its place. */
const FALL = 420
/** Events of one delivery do not fall in step: each begins up to this many milliseconds later. */
const SCATTER = 260
/** Milliseconds for which an event that has landed is bright. */
const GLOW = 700
/** Pixels from one square to the next, and of its side. */
const PITCH = 7
const SIDE = 5

/** Colours of a picture, as CSS has them. */
export interface Colours {
  /** Just arrived. */
  fresh: string
  /** Arrived before. */
  settled: string
  /** Published, and not here yet. */
  awaited: string
  /** Missing or doubled. */
  bad: string
}

/** How large a picture is, in CSS pixels. */
export interface Size {
  width: number
  height: number
}

/** The place of a number in a grid that fills row by row from the bottom, and then begins at the bottom again. */
export function placeOf(n: number, { width, height }: Size): { x: number; y: number } {
  const { columns, rows } = gridOf({ width, height })
  const cell = n % (columns * rows)
  const left = (width - columns * PITCH + PITCH - SIDE) / 2
  return { x: left + (cell % columns) * PITCH, y: height - PITCH * (Math.floor(cell / columns) + 1) }
}

/** The numbers that are shown: as many as the grid has places, without the row that is filled next. */
export function shownNumbers(published: number, size: Size): { first: number; end: number } {
  const { columns, rows } = gridOf(size)
  const row = Math.floor(published / columns)
  return { first: Math.max(0, (row - rows + 2) * columns), end: published }
}

const gridOf = ({ width, height }: Size) => ({
  columns: Math.max(1, Math.floor(width / PITCH)),
  rows: Math.max(2, Math.floor(height / PITCH)),
})

/** A number from 0 to 1 that looks random and is always the same. */
const scatterOf = (n: number) => ((n * 2654435761) % 1024) / 1024

/**
 * Draws the numbers of a lane as squares that fall into a grid.
 *
 * @param now milliseconds of `performance.now()`
 * @param isStill nothing moves: for people who want less motion
 * @returns whether something still moves, so that another frame is due
 */
export function drawPicture(
  context: CanvasRenderingContext2D,
  arrivals: Arrivals,
  size: Size,
  colours: Colours,
  now: number,
  isStill: boolean,
): boolean {
  context.clearRect(0, 0, size.width, size.height)
  const { first, end } = shownNumbers(arrivals.published, size)
  let isMoving = false
  for (let n = first; n < end; n++) {
    const mark = arrivals.markOf(n)
    const { x, y } = placeOf(n, size)
    const age = isStill ? Number.POSITIVE_INFINITY : now - arrivals.timeOf(n) - SCATTER * scatterOf(n)
    const isFalling = mark === 'arrived' && age < FALL
    if (isFalling) square(context, x, y, colours.awaited)
    if (mark === 'arrived' && age < FALL + GLOW) isMoving = true
    square(context, x, isFalling ? heightAt(age, y) : y, colourOf(mark, age, colours))
  }
  return isMoving
}

/** Where a falling square is: it gains speed. */
const heightAt = (age: number, end: number) => {
  const progress = Math.max(0, age) / FALL
  return -PITCH + (end + PITCH) * progress * progress
}

const colourOf = (mark: Mark, age: number, { fresh, settled, awaited, bad }: Colours): string => {
  if (mark === 'awaited') return awaited
  if (mark !== 'arrived') return bad
  return age < FALL + GLOW ? fresh : settled
}

function square(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.fillStyle = colour
  context.fillRect(x, y, SIDE, SIDE)
}
