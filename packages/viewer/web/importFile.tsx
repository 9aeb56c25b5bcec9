import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { post } from './api.ts'
import { formatCounted } from './format.ts'
import { loadStatus } from './status.ts'

const message = signal<{ text: string; isError: boolean } | undefined>(undefined)
const isDragged = signal(false)

interface ImportResult {
  lines: number
  failed: number
  firstError: string
}

/** Stores files of OTLP JSON lines. */
async function importFiles(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    message.value = { text: `Importing ${file.name}…`, isError: false }
    try {
      const { lines, failed, firstError } = await post<ImportResult>('import', 'application/x-ndjson', file)
      const stored = `Imported ${formatCounted(lines - failed, 'request')} of ${file.name}`
      message.value =
        failed === 0
          ? { text: `${stored}.`, isError: false }
          : {
              text: `${stored}; ${formatCounted(failed, 'line')} failed, the first at ${firstError}`,
              isError: true,
            }
    } catch (error) {
      message.value = { text: `${file.name}: ${(error as Error).message}`, isError: true }
    }
  }
  await loadStatus()
}

/** Button that imports files. */
export function ImportButton(): JSX.Element {
  return (
    <label class="button">
      Import
      <input
        class="hidden"
        type="file"
        multiple
        accept=".jsonl,.json,.ndjson"
        aria-label="Import OTLP JSON lines"
        onChange={({ currentTarget }) => {
          void importFiles([...(currentTarget.files ?? [])])
          currentTarget.value = ''
        }}
      />
    </label>
  )
}

/** Imports files that are dropped on the page, and shows the outcome. */
export function ImportDrop(): JSX.Element {
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files') !== true) return
      event.preventDefault()
      isDragged.value = true
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) isDragged.value = false
    }
    const drop = (event: DragEvent): void => {
      isDragged.value = false
      if (event.dataTransfer === null || event.dataTransfer.files.length === 0) return
      event.preventDefault()
      void importFiles([...event.dataTransfer.files])
    }
    document.addEventListener('dragover', over)
    document.addEventListener('dragleave', leave)
    document.addEventListener('drop', drop)
    return () => {
      document.removeEventListener('dragover', over)
      document.removeEventListener('dragleave', leave)
      document.removeEventListener('drop', drop)
    }
  }, [])
  return (
    <>
      {isDragged.value && <div class="drop-target">Drop OTLP JSON lines to import them</div>}
      <div class="toast-area" role="status">
        {message.value !== undefined && (
          <p class={`toast ${message.value.isError ? 'error' : ''}`}>
            {message.value.text}{' '}
            <button
              type="button"
              aria-label="Close the message"
              onClick={() => {
                message.value = undefined
              }}
            >
              ×
            </button>
          </p>
        )}
      </div>
    </>
  )
}
