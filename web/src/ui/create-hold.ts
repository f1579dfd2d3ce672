import { type Accessor, createSignal, onCleanup } from 'solid-js'

/** Milliseconds after which a resting pointer no longer holds the rows. */
const REST = 2000

/** Whether rows should keep their place because the user is about to click. */
export interface Hold {
  /** Whether updates that move rows should wait. */
  isHeld: Accessor<boolean>
  /** Handlers for the element that the pointer may be over. */
  onPointerMove: () => void
  onPointerLeave: () => void
}

/** Holds while the pointer moves over an element, and for 2 s after it came to rest there. */
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
