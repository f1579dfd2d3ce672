import { Dialog as Kobalte } from '@kobalte/core/dialog'
import { createRenderEffect, type JSX } from 'solid-js'

interface DialogProps {
  title: string
  isOpen: boolean
  onClose: () => void
  children: JSX.Element
}

/** A modal dialog. It traps the focus, closes with Escape, and returns the focus to the element that had it. */
export function Dialog(props: DialogProps): JSX.Element {
  let opener: HTMLElement | undefined
  createRenderEffect(() => {
    if (props.isOpen) opener = document.activeElement as HTMLElement
  })
  return (
    <Kobalte open={props.isOpen} onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <Kobalte.Portal>
        <Kobalte.Overlay class="overlay" />
        <div class="dialog-place">
          <Kobalte.Content
            class="dialog"
            onCloseAutoFocus={(event) => {
              // A dialog has many openers, so there is no fixed trigger to return to.
              event.preventDefault()
              opener?.focus()
            }}
          >
            <header>
              <Kobalte.Title as="h2">{props.title}</Kobalte.Title>
              <Kobalte.CloseButton class="ghost" aria-label="Close">
                ✕
              </Kobalte.CloseButton>
            </header>
            {props.children}
          </Kobalte.Content>
        </div>
      </Kobalte.Portal>
    </Kobalte>
  )
}
