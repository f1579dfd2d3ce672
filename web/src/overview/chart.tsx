import { createEffect, type JSX, onCleanup, onMount } from 'solid-js'
import UPlot from 'uplot'
import { formatTime } from '../ui/format.ts'
import 'uplot/dist/uPlot.min.css'

interface ChartProps {
  label: string
  /** Times in seconds since the epoch, oldest first. */
  times: readonly number[]
  /** `null` where it is unknown. */
  values: readonly (number | null)[]
  /** Name of the CSS variable for the colour of the line. */
  color: string
  unit: string
}

const HEIGHT = 140

/** A live line chart. Its label states the current value, because a canvas has no text. */
export default function Chart(props: ChartProps): JSX.Element {
  let place: HTMLDivElement | undefined
  onMount(() => {
    if (!place) return
    // A canvas does not resolve light-dark(): the computed colours of the elements do.
    const stroke = () => getComputedStyle(place as HTMLElement).color
    const muted = () => getComputedStyle((place as HTMLElement).parentElement as HTMLElement).color
    const plot = new UPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, min, max) => [Math.min(0, min), Math.max(1, max * 1.15)] } },
        axes: [
          {
            stroke: muted,
            grid: { show: false },
            ticks: { show: false },
            font: '11px system-ui',
            space: 90,
            values: (_, times) => times.map((time) => formatTime(new Date(time * 1000).toISOString())),
          },
          {
            stroke: muted,
            grid: { stroke: '#8883', width: 1 },
            ticks: { show: false },
            font: '11px system-ui',
            size: 42,
            space: 40,
          },
        ],
        series: [{}, { stroke, width: 2, points: { show: false }, fill: '#8881' }],
      },
      [[...props.times], [...props.values]],
      place,
    )
    createEffect(() => plot.setData([[...props.times], [...props.values]]))
    const observer = new ResizeObserver(() => place && plot.setSize({ width: place.clientWidth, height: HEIGHT }))
    observer.observe(place)
    onCleanup(() => {
      observer.disconnect()
      plot.destroy()
    })
  })
  const last = () => props.values.at(-1) ?? undefined
  const now = () => (last() === undefined ? 'unknown' : `${Math.round(last() ?? 0)} ${props.unit}`)
  return (
    <figure class="chart" role="img" aria-label={`${props.label}: ${now()} now`}>
      <div ref={place} style={{ color: `var(${props.color})` }} aria-hidden="true" />
    </figure>
  )
}
