import { type Accessor, createSignal, onCleanup } from 'solid-js'

/** Milliseconds after which a pointer that rests is not about to click. */
const REST = 2000

export interface Hold {
  /** Whether what moves by itself should wait. */
  isHeld: Accessor<boolean>
  /** For the element that a pointer may be over. */
  onPointerMove: () => void
  onPointerLeave: () => void
}

/** Whether a pointer moves over something, so that nothing should slide away from under it. */
export function createHold(): Hold {
  const [isHeld, setIsHeld] = createSignal(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  const release = () => {
    clearTimeout(timer)
    setIsHeld(false)
  }
  onCleanup(release)
  return {
    isHeld,
    onPointerMove() {
      setIsHeld(true)
      clearTimeout(timer)
      timer = setTimeout(release, REST)
    },
    onPointerLeave: release,
  }
}
