import type { LabState } from './lab-stream.ts'

/** Milliseconds at which the bars of the histogram end; the last one has no end. */
export const BARS: readonly number[] = [2, 5, 10, 20, 50, 100, 200, 500, 1000, Number.POSITIVE_INFINITY]

/** One stream at a moment. */
export interface StreamFigures {
  number: number
  state: LabState
  instance: string
  /** Patterns of its channels, as text. */
  channels: string
  /** Position reached; `undefined` before the first connection. */
  position: number | undefined
  /** Events received, duplicates included. */
  received: number
  /** Latency of the newest event, in milliseconds; `undefined` before the first. */
  lag: number | undefined
  /** Acknowledged events that it lacks and is past. */
  missing: number
  /** Events that arrived more than once. */
  duplicated: number
  /** Events that arrived out of order. */
  reordered: number
  reconnects: number
  gaps: number
}

/** All streams at a moment. */
export interface Figures {
  streams: readonly StreamFigures[]
  /** Events that were sent to the server. */
  sent: number
  /** Events that the server reported as durable. */
  acknowledged: number
  /** Numbered events that arrived, over all streams. */
  delivered: number
  /** Acknowledged events that have not arrived on all streams yet. */
  outstanding: number
  missing: number
  duplicated: number
  reordered: number
  /** Median latency in milliseconds; `undefined` while there is none. */
  p50: number | undefined
  /** 99th percentile of the latency in milliseconds; `undefined` while there is none. */
  p99: number | undefined
  /** Events by latency: see `BARS`. */
  bars: readonly number[]
}

/** What the ledger says of a run: a text, and how it is coloured. `none` is neutral. */
export interface Verdict {
  text: string
  state: 'none' | 'succeeded' | 'failed'
}

/** The verdict on a run. Without an event that arrived there is no evidence, and no verdict. */
export function judge(figures: Omit<Figures, 'streams' | 'bars' | 'p50' | 'p99'>): Verdict {
  const { acknowledged, delivered, outstanding, missing, duplicated, reordered } = figures
  if (missing + duplicated + reordered > 0) return { text: 'NOT clean', state: 'failed' }
  if (acknowledged === 0) return { text: 'nothing published yet', state: 'none' }
  if (delivered === 0) return { text: 'nothing received yet', state: 'none' }
  return { text: outstanding > 0 ? 'clean so far' : 'clean', state: 'succeeded' }
}

/** A dash for a figure that does not exist yet. */
export const NO_FIGURE = '–'

/** A latency as text, such as `12 ms`. @param ms milliseconds; `undefined` gives a dash */
export const formatLatency = (ms: number | undefined): string => (ms === undefined ? NO_FIGURE : `${ms.toFixed(0)} ms`)
