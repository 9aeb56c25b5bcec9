/** The program to bundle, and packages to leave in node_modules. */
export const entry = process.env.ENTRY ?? 'core'
export const external = process.env.EXTERNAL?.split(',') ?? []
