import { type JSX, onCleanup, onMount } from 'solid-js'
import type { Lane } from './lane.ts'
import { type Colours, drawPicture, type Size } from './picture.ts'

/** The events of a lane as they fall in: one square each. Draws only while something changes. */
export function LanePicture(props: { lane: Lane; label: string }): JSX.Element {
  let canvas: HTMLCanvasElement | undefined
  onMount(() => {
    if (canvas) onCleanup(animate(canvas, props.lane))
  })
  return <canvas class="lane-picture" role="img" aria-label={props.label} ref={(element) => (canvas = element)} />
}

/** Keeps a picture up to date. Returns how to stop that. */
function animate(canvas: HTMLCanvasElement, { arrivals }: Lane): () => void {
  const context = canvas.getContext('2d')
  const stillness = matchMedia('(prefers-reduced-motion: reduce)')
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  let size: Size = { width: 0, height: 0 }
  let colours = coloursOf(canvas)
  let frame = 0
  const draw = (now: number) => {
    frame = 0
    if (context && size.width > 0 && drawPicture(context, arrivals, size, colours, now, stillness.matches)) wake()
  }
  const wake = () => {
    if (frame === 0) frame = requestAnimationFrame(draw)
  }
  const onScheme = () => {
    colours = coloursOf(canvas)
    wake()
  }
  const observer = new ResizeObserver(([entry]) => {
    size = entry?.contentRect ?? size
    canvas.width = Math.round(size.width * devicePixelRatio)
    canvas.height = Math.round(size.height * devicePixelRatio)
    context?.scale(devicePixelRatio, devicePixelRatio)
    wake()
  })
  observer.observe(canvas)
  scheme.addEventListener('change', onScheme)
  arrivals.onChange = wake
  return () => {
    cancelAnimationFrame(frame)
    observer.disconnect()
    scheme.removeEventListener('change', onScheme)
    arrivals.onChange = () => {}
  }
}

/** A canvas does not resolve light-dark() and color-mix(): computed colours of properties do. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const { color, borderTopColor, outlineColor, textDecorationColor } = getComputedStyle(canvas)
  return { fresh: color, settled: borderTopColor, awaited: outlineColor, bad: textDecorationColor }
}
