import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

const SHOWN_MILLIS = 1500

/** Button that copies a text. */
export function CopyButton({ label, text }: { label: string; text(): string }): JSX.Element {
  const [state, setState] = useState<'copied' | 'failed' | undefined>(undefined)

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text())
      setState('copied')
    } catch {
      setState('failed')
    }
    setTimeout(() => setState(undefined), SHOWN_MILLIS)
  }

  const shown = state === undefined ? label : state === 'copied' ? 'Copied' : 'Copying is not allowed'
  return (
    <button type="button" onClick={() => void copy()}>
      {shown}
    </button>
  )
}
