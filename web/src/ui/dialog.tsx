import { Dialog as Kobalte } from '@kobalte/core/dialog'
import type { JSX } from 'solid-js'

interface DialogProps {
  title: string
  isOpen: boolean
  onClose: () => void
  children: JSX.Element
}

/** A window over the page: keeps the focus, closes with Escape. */
export function Dialog(props: DialogProps): JSX.Element {
  return (
    <Kobalte open={props.isOpen} onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <Kobalte.Portal>
        <Kobalte.Overlay class="overlay" />
        <div class="dialog-place">
          <Kobalte.Content class="dialog">
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
