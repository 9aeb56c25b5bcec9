import type { JSX } from 'preact'
import { helpIsOpen } from './dialogs.ts'
import { Dialog } from './parts/dialog.tsx'

const KEYS = [
  ['/', 'query'],
  ['j  k', 'next and previous row'],
  ['Enter', 'open'],
  ['Esc', 'close'],
  ['f', 'follow new records'],
  ['e', 'next error'],
  ['t', 'trace of the record'],
  ['1  2  3  4', 'logs, traces, metrics, health'],
  ['?', 'this help'],
] as const

const QUERIES = [
  ['timed out', 'both words, anywhere in the message, the attributes, or the scope'],
  ['"timed out"', 'this text'],
  ['level>=warn', 'levels: trace, debug, info, warn, error, fatal'],
  ['service=shop scope=db', 'both hold; OR, and parentheses, are possible'],
  ['-route=/health', 'not this'],
  ['payment.amount>10', 'any attribute of the record, its resource, or its scope'],
  ['msg~timeout', 'contains'],
  ['msg=~/time(d )?out/i', 'matches a regular expression'],
  ['exception~ECONNREFUSED', 'type, message, or stack of the exception'],
  ['trace=4bf9', 'beginning of an id'],
  ['since=15m until=5m', 'time before now; time>=2026-11-29T10:00:00Z'],
  ['duration>100ms status=error', 'spans'],
  ['user.id=*', 'has the attribute'],
] as const

/** Keys and query language. */
export function HelpDialog(): JSX.Element {
  return (
    <Dialog title="Help" isOpen={helpIsOpen}>
      <h3>Keys</h3>
      <dl class="help">
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              {keys.split('  ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <h3>Query</h3>
      <dl class="help">
        {QUERIES.map(([query, text]) => (
          <div key={query}>
            <dt>
              <code>{query}</code>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
