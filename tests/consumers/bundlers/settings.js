/** The program to bundle, and packages to leave in node_modules. */
export const entry = process.env.ENTRY ?? 'core'
export const external = process.env.EXTERNAL?.split(',') ?? []

/** Returns the plugin of @logbridge/auto for a bundler, when AUTO is set. */
export async function plugins(bundler) {
  if (!process.env.AUTO) return []
  const auto = await import('@logbridge/auto/bundler')
  return [auto[bundler]()]
}
