// A pool of worker threads: each worker logs by pino and sends by its own pipeline.
import { Piscina } from 'piscina'

const pool = new Piscina({ filename: new URL('piscinaWorker.js', import.meta.url).href, maxThreads: 2 })
const lines = await Promise.all([1, 2, 3, 4].map((order) => pool.run(order)))
await pool.destroy()
process.stdout.write(lines.join(''))
