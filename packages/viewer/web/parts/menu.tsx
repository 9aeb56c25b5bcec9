import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'

/** Button that opens a list of choices. Escape, and a click outside, close it. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!isOpen) return
    const closeOutside = (event: Event): void => {
      if (!root.current!.contains(event.target as Node)) setIsOpen(false)
    }
    document.addEventListener('pointerdown', closeOutside)
    document.addEventListener('focusin', closeOutside)
    return () => {
      document.removeEventListener('pointerdown', closeOutside)
      document.removeEventListener('focusin', closeOutside)
    }
  }, [isOpen])

  function keyDown(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !isOpen) return
    event.stopPropagation()
    setIsOpen(false)
    root.current!.querySelector('button')!.focus()
  }

  return (
    <div class="menu" ref={root} onKeyDown={keyDown}>
      <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setIsOpen(!isOpen)}>
        {label} <span aria-hidden="true">▾</span>
      </button>
      <div class="menu-items" id={id} hidden={!isOpen}>
        {isOpen && children}
      </div>
    </div>
  )
}
