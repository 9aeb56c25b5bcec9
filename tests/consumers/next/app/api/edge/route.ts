// Makes Next.js build instrumentation.ts for the edge runtime too, which is not Node.js.
export const runtime = 'edge'

export function GET(): Response {
  return Response.json({ ok: true })
}
