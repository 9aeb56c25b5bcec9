import type { Signal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export interface DialogProps {
  title: string
  isOpen: Signal<boolean>
  children: ComponentChildren
}

/** Modal dialog. Escape, and a click outside, close it. */
export function Dialog({ title, isOpen, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = (): void => {
    isOpen.value = false
  }
  useEffect(() => {
    if (isOpen.value) dialog.current!.showModal()
    else dialog.current!.close()
  }, [isOpen.value])
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close()
      }}
    >
      {isOpen.value && (
        <div class="dialog">
          <header>
            <h2>{title}</h2>
            <button type="button" aria-label="Close" onClick={close}>
              ×
            </button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  )
}
