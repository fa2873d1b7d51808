// node main.mjs PROGRAM [--minutes N] [--database sqlite|postgres] [--kill WHAT,…] [--seed N]
//
// The fault suite's real part: the real program, real engines, a real registry and the official Socket.IO client. Random deeds, while
// imagefleet, an engine, the registry or the database is killed (KILL, no warning) and started again; after each round everything
// that must hold is looked at (invariants.mjs). Ends with a table, and with 1 when anything did not hold. docs/TESTING.md tells more.

import { parseArgs } from 'node:util'
import { oneDeed, prepare } from './deeds.mjs'
import { checkAll } from './invariants.mjs'
import { makeRandom, sleep, until } from './random.mjs'
import { bringUp } from './surroundings.mjs'
import { tally } from './tally.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    database: { type: 'string', default: 'sqlite' },
    kill: { type: 'string', default: 'program,engine,registry,database' },
    seed: { type: 'string', default: String(process.pid) },
  },
})
const [binary] = positionals
if (!binary) throw new Error('usage: main.mjs PROGRAM [--minutes N] [--database sqlite|postgres] [--kill WHAT,…] [--seed N]')

const random = makeRandom(Number(values.seed))
const kinds = values.kill.split(',').filter((kind) => kind !== 'database' || values.database === 'postgres')
console.log(`real part on ${values.database}: seed ${values.seed}, ${values.minutes} min, kills ${kinds.join(', ')}`)

let end = Infinity
let around
const down = async () => around && (await around.down())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => down().finally(() => process.exit(143)))

/** A few deeds, close together, so that a kill meets several of them in their middle. */
async function deeds(count) {
  for (let left = count; left > 0; left--) {
    await until(30_000, () => around.program.isReady())
    await oneDeed(around, random)
    await sleep(random.below(250))
  }
}

/** Kills one of the parts at a random moment of the deeds, and starts it again a random while later. */
async function strike() {
  const victim = random.of(around.victims(random.of(kinds)))
  await sleep(random.below(2_500))
  tally.fault(`KILL of ${victim.name}`)
  await victim.kill()
  await sleep(random.below(2_000))
  await victim.revive()
}

try {
  around = await bringUp(binary, values.database)
  await prepare(around)
  await checkAll(around)
  end = Date.now() + Number(values.minutes) * 60_000
  for (let round = 1; Date.now() < end || round === 1; round++) {
    const work = deeds(4 + random.below(6))
    await Promise.all([work, strike()])
    if (random.below(3) === 0) await Promise.all([deeds(3), strike()])
    await checkAll(around)
  }
} catch (error) {
  tally.breach('the suite itself runs', error.stack)
} finally {
  await down()
}
tally.print(`real engines, ${values.database}`)
process.exit(tally.breaches.length > 0 ? 1 : 0)
