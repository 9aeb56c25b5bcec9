/** Loads packages as they are installed in this folder, OpenTelemetry 2.x: for programs that stand elsewhere. */
export const load = (name) => import(name)
