import { signal } from '@preact/signals'

/** Commands of a view for the keys of the page. */
export interface Commands {
  /** Moves down for a positive number. */
  move(by: number): void
  /** Opens the row that the keys are at. */
  open(): void
  follow?(): void
  nextError?(): void
  openTrace?(): void
}

/** Commands of the view that is shown. A view without commands has links, among which the keys move the focus. */
export const commands = signal<Commands | undefined>(undefined)
