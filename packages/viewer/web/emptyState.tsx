import type { JSX } from 'preact'
import { CopyButton } from './parts/copyButton.tsx'
import { ImportButton } from './importFile.tsx'
import { status } from './status.ts'

/** Says how to send telemetry, until the first record is there. */
export function EmptyState(): JSX.Element {
  const { httpUrl = '', grpcUrl = '' } = status.value ?? {}
  return (
    <section class="empty" aria-label="Waiting for telemetry">
      <h1>
        <span class="dot is-on" /> Waiting for telemetry
      </h1>
      <p>This page shows the first record as soon as it arrives.</p>
      <h2>With logbridge</h2>
      <Command
        text={`OTEL_SERVICE_NAME=my-app OTEL_EXPORTER_OTLP_ENDPOINT=${grpcUrl} \\\n  node --import @logbridge/auto app.js`}
      />
      <p class="muted">
        Install it once: <code>npm install @logbridge/auto @logbridge/core @opentelemetry/api</code>, and the
        adapter of your logger, such as <code>@logbridge/pino</code>.
      </p>
      <h2>With any OpenTelemetry SDK</h2>
      <Command
        text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${httpUrl}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`}
      />
      <table>
        <tbody>
          <tr>
            <th scope="row">OTLP over gRPC</th>
            <td>
              <code>{grpcUrl}</code>
            </td>
          </tr>
          <tr>
            <th scope="row">OTLP over HTTP, protobuf or JSON</th>
            <td>
              <code>{httpUrl}</code>
            </td>
          </tr>
        </tbody>
      </table>
      <h2>From a file</h2>
      <p>
        Drop a file of OTLP JSON lines here, or choose one: <ImportButton />
      </p>
    </section>
  )
}

function Command({ text }: { text: string }): JSX.Element {
  return (
    <div class="command">
      <pre tabIndex={0}>{text}</pre>
      <CopyButton label="Copy" text={() => text} />
    </div>
  )
}
