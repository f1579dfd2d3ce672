import { type Accessor, createMemo, createSignal, onCleanup } from 'solid-js'

/** Milliseconds after which a pointer that rests is not about to click. */
const REST = 2000

export interface Hold<T> {
  /** What it follows; what that was, while it is held. */
  value: Accessor<T>
  isHeld: Accessor<boolean>
  /** For the element over which the pointer holds it. */
  onPointerMove: () => void
  onPointerLeave: () => void
}

/** Keeps a value as it is while a pointer moves over it, so that nothing slides away from under the pointer. */
export function createHold<T>(current: Accessor<T>): Hold<T> {
  const [isHeld, setIsHeld] = createSignal(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  const release = () => {
    clearTimeout(timer)
    setIsHeld(false)
  }
  onCleanup(release)
  return {
    value: createMemo<T>((before) => (isHeld() ? before : current()), current()),
    isHeld,
    onPointerMove() {
      setIsHeld(true)
      clearTimeout(timer)
      timer = setTimeout(release, REST)
    },
    onPointerLeave: release,
  }
}
